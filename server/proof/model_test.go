package proof_test

import (
	"slices"
	"time"
)

// model is what a core is to the outside: live codes, lines of refresh tokens with one predecessor that is forgiven,
// grants, and what it has last heard about a person. It knows nothing of stores, keys or messages. Each method says what
// the core must answer and moves on as the core does.
type model struct {
	now      time.Time
	logins   []*modelLogin
	codes    []*modelCode
	grants   []*modelGrant
	people   map[string]*modelPerson
	renewals int // of the provider's tokens
}

const (
	modelLoginTTL  = 10 * time.Minute
	modelAccessTTL = time.Hour
	modelIdleTTL   = 30 * 24 * time.Hour
	modelGrantTTL  = 90 * 24 * time.Hour
	modelRecheck   = time.Minute
	modelUpstream  = 5 * time.Minute // the provider's access tokens
	modelAhead     = time.Minute     // how long before their end they are renewed
)

// modelLogin is a login on its way, in the states pending, approved and over.
type modelLogin struct {
	client  int
	person  string
	created time.Time
	state   string
}

type modelCode struct {
	login   *modelLogin
	created time.Time
	used    bool
	grant   *modelGrant // nil until it is redeemed
}

type modelGrant struct {
	client  int
	person  string
	expire  time.Time
	revoked bool
	head    int // index of the refresh token that is good; -1 is none
	rotated time.Time
	idle    time.Time
}

type modelToken struct {
	grant  *modelGrant
	expire time.Time
}

// modelPerson is one at the provider, and what the core knows of them.
type modelPerson struct {
	disabled          bool
	stored, confirmed time.Time // confirmed is forgotten by a restart
	accessEnd         time.Time
}

func newModel(now time.Time, people ...string) *model {
	m := &model{now: now, people: map[string]*modelPerson{}}
	for _, name := range people {
		m.people[name] = &modelPerson{}
	}
	return m
}

func (m *model) begin(client int) *modelLogin {
	login := &modelLogin{client: client, created: m.now, state: "pending"}
	m.logins = append(m.logins, login)
	return login
}

func (m *model) loginOver(login *modelLogin) bool {
	return !m.now.Before(login.created.Add(modelLoginTTL))
}

// approve may be repeated by the same browser.
func (m *model) approve(login *modelLogin, sameBrowser bool) string {
	switch {
	case m.loginOver(login):
		return "transaction_expired"
	case login.state == "pending":
		login.state = "approved"
		return "ok"
	case login.state == "approved" && sameBrowser:
		return "ok"
	}
	return "transaction_used"
}

func (m *model) deny(login *modelLogin) string {
	switch {
	case m.loginOver(login):
		return "transaction_expired"
	case login.state != "pending":
		return "transaction_used"
	}
	login.state = "over"
	return "ok"
}

// callback counts once, whatever it brings.
func (m *model) callback(login *modelLogin, sameBrowser, accepted bool) (string, *modelCode) {
	switch {
	case m.loginOver(login):
		return "transaction_expired", nil
	case login.state == "failed":
		return "transaction_failed", nil
	case login.state != "approved":
		return "transaction_used", nil
	}
	login.state = "over"
	switch {
	case !sameBrowser:
		return "wrong_browser", nil
	case !accepted:
		login.state = "failed"
		return "client: access_denied", nil
	}
	person := m.people[login.person]
	person.stored, person.confirmed, person.accessEnd = m.now, m.now, m.now.Add(modelUpstream)
	code := &modelCode{login: login, created: m.now}
	m.codes = append(m.codes, code)
	return "ok", code
}

// exchange answers a code with the grant that it has become.
func (m *model) exchange(code *modelCode, client int, rightURI, rightVerifier bool) (string, *modelGrant) {
	switch {
	case client != code.login.client:
	case code.used:
		if code.grant != nil {
			code.grant.revoked = true
		}
	case !rightURI:
	case !rightVerifier:
		code.used = true
	case m.now.Before(code.created.Add(codeTTL)):
		code.used = true
		code.grant = &modelGrant{
			client: client, person: code.login.person, expire: m.now.Add(modelGrantTTL), idle: m.now.Add(modelIdleTTL),
		}
		m.grants = append(m.grants, code.grant)
		return "ok", code.grant
	}
	return "invalid_grant", nil
}

// refresh answers a token with the index of its successor.
func (m *model) refresh(g *modelGrant, generation, client int) (string, int) {
	switch {
	case client != g.client, g.revoked, !m.now.Before(g.expire), !m.now.Before(g.idle):
	case generation == g.head:
		g.head++
		g.rotated, g.idle = m.now, m.now.Add(modelIdleTTL)
		return "ok", g.head
	case generation == g.head-1 && m.now.Before(g.rotated.Add(grace)):
		return "ok", g.head
	default:
		g.revoked = true
	}
	return "invalid_grant", 0
}

// issue is the access token that goes with a grant.
func (m *model) issue(g *modelGrant) modelToken {
	expire := m.now.Add(modelAccessTTL)
	if g.expire.Before(expire) {
		expire = g.expire
	}
	return modelToken{grant: g, expire: expire}
}

// verify answers an access token. The provider is asked once a minute; a refusal ends all that rests on the person.
func (m *model) verify(token modelToken) string {
	switch {
	case !m.now.Before(token.expire):
		return "EXPIRED"
	case !m.stands(token.grant):
		return "REVOKED"
	}
	person := m.people[token.grant.person]
	switch {
	case m.now.Before(person.confirmed.Add(modelRecheck)):
	case person.disabled:
		m.endAll(token.grant.person)
		return "UPSTREAM"
	case !m.now.Before(person.accessEnd.Add(-modelAhead)):
		m.renewals++
		person.stored, person.accessEnd = m.now, m.now.Add(modelUpstream)
		fallthrough
	default:
		person.confirmed = m.now
	}
	return "active"
}

// revoke is what a client does with a token of its own. A token that has expired proves nothing.
func (m *model) revoke(g *modelGrant, client int) {
	if client == g.client {
		g.revoked = g.revoked || m.now.Before(g.expire)
	}
}

// endAll ends the grants of a person, and the codes that have not become one.
func (m *model) endAll(name string) {
	for _, code := range m.codes {
		code.used = code.used || code.login.person == name
	}
	for _, g := range m.grants {
		if g.person == name && m.stands(g) {
			g.revoked = true
		}
	}
}

func (m *model) restart() {
	for _, person := range m.people {
		person.confirmed = person.stored
	}
}

func (m *model) stands(g *modelGrant) bool { return !g.revoked && m.now.Before(g.expire) }

// live counts the grants that stand.
func (m *model) live() (count int) {
	for _, g := range m.grants {
		if m.stands(g) {
			count++
		}
	}
	return count
}

// ends returns the times to come at which something changes by itself, the nearest first.
func (m *model) ends() (ends []time.Time) {
	for _, login := range m.logins {
		ends = append(ends, login.created.Add(modelLoginTTL))
	}
	for _, code := range m.codes {
		ends = append(ends, code.created.Add(codeTTL))
	}
	for _, g := range m.grants {
		ends = append(ends, g.rotated.Add(grace), g.idle, g.expire)
	}
	for _, person := range m.people {
		ends = append(ends, person.confirmed.Add(modelRecheck), person.accessEnd.Add(-modelAhead), person.accessEnd)
	}
	ends = slices.DeleteFunc(ends, m.now.After)
	slices.SortFunc(ends, time.Time.Compare)
	return ends
}
