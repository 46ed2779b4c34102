package proof_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

// steps are what may happen next, the frequent ones more than once.
func (w *walk) steps() []func() {
	weighted := []struct {
		times int
		step  func()
	}{
		{4, w.stepBegin},
		{5, w.stepApprove},
		{1, w.stepDeny},
		{6, w.stepCallback},
		{7, w.stepExchange},
		{12, w.stepRefresh},
		{9, w.stepVerify},
		{1, w.stepRevoke},
		{1, w.stepDisconnect},
		{1, w.stepDisable},
		{1, w.stepRestart},
		{5, w.stepWait},
		{1, w.stepRotateKeys},
	}
	var steps []func()
	for _, s := range weighted {
		for range s.times {
			steps = append(steps, s.step)
		}
	}
	return steps
}

// pick takes one, mostly of those that are fresh, so that a walk does not stay among the dead.
func pick[T any](w *walk, all []T, fresh func(T) bool) (one T, ok bool) {
	if w.mostly() {
		if some := slices.DeleteFunc(slices.Clone(all), func(one T) bool { return !fresh(one) }); len(some) > 0 {
			all = some
		}
	}
	if len(all) == 0 {
		return one, false
	}
	return all[w.rand.IntN(len(all))], true
}

func (w *walk) pickLogin(state string) (*walkLogin, bool) {
	return pick(w, w.logins, func(login *walkLogin) bool { return login.state == state && !w.model.loginOver(login.modelLogin) })
}

func (w *walk) pickLine() (*walkLine, bool) {
	return pick(w, w.lines, func(line *walkLine) bool { return w.model.stands(line.modelGrant) })
}

// mostly is true nine times out of ten.
func (w *walk) mostly() bool { return w.rand.IntN(10) > 0 }

func (w *walk) someone() string { return []string{"alice", "bob"}[w.rand.IntN(2)] }

// client is the right one, mostly.
func (w *walk) client(right int) int {
	if w.mostly() {
		return right
	}
	return 1 - right
}

func (w *walk) stepBegin() {
	client := w.rand.IntN(len(w.clients))
	handle, err := w.begin(w.t.Context(), w.clients[client])
	w.logins = append(w.logins, &walkLogin{modelLogin: w.model.begin(client), handle: handle})
	w.saw(fmt.Sprintf("client %d begins login %d", client, len(w.logins)-1), class(err), "ok")
}

func (w *walk) stepApprove() {
	login, ok := w.pickLogin("pending")
	if !ok {
		return
	}
	request := &gatehousev1.DecideConsentRequest{
		Handle: login.handle, PageSecret: pageSecret, Decision: gatehousev1.DecideConsentRequest_DECISION_ALLOW,
	}
	same := w.mostly()
	if !same && login.state != "pending" {
		request.PageSecret = "another browser's"
	}
	decided, err := w.DecideConsent(w.t.Context(), request)
	want := w.model.approve(login.modelLogin, same)
	w.saw("approve "+w.nameOf(login), class(err), want)
	if err != nil || login.answer != nil {
		return
	}
	login.person = w.someone()
	location := w.idp.Authorize(decided.GetUpstream().GetUri(), login.person)
	login.answer, err = callback(decided.GetUpstream().GetBrowserSecret(), location)
	w.must(err)
}

func (w *walk) nameOf(login *walkLogin) string {
	for i, other := range w.logins {
		if other == login {
			return fmt.Sprintf("login %d", i)
		}
	}
	return "no login"
}

func (w *walk) stepDeny() {
	if login, ok := w.pickLogin("pending"); ok {
		_, err := w.decide(w.t.Context(), login.handle, gatehousev1.DecideConsentRequest_DECISION_DENY)
		w.saw("deny "+w.nameOf(login), class(err), w.model.deny(login.modelLogin))
	}
}

// stepCallback sends a callback for the first time or once more, sometimes an error, sometimes from another browser.
func (w *walk) stepCallback() {
	login, ok := w.pickLogin("approved")
	if !ok || login.answer == nil {
		return
	}
	answer := &gatehousev1.CompleteAuthorizationRequest{
		State: login.answer.GetState(), BrowserSecret: login.answer.GetBrowserSecret(),
		Code: login.answer.GetCode(), Iss: login.answer.GetIss(),
	}
	same, accepted := w.mostly(), w.mostly()
	if !same {
		answer.BrowserSecret = "another browser's"
	}
	if !accepted {
		answer.Code, answer.Error = "", "access_denied"
	}
	text, err := w.complete(w.t.Context(), answer)
	want, code := w.model.callback(login.modelLogin, same, accepted)
	w.saw(fmt.Sprintf("%s comes back as %s", w.nameOf(login), login.person), class(err), want)
	if code != nil {
		w.codes = append(w.codes, walkCode{code, text})
	}
}

func (w *walk) stepExchange() {
	code, ok := pick(w, w.codes, func(code walkCode) bool { return !code.used })
	if !ok {
		return
	}
	client, rightURI, rightVerifier := w.client(code.login.client), w.mostly(), w.mostly()
	request := exchange(w.clients[client], code.text)
	if !rightURI {
		request.RedirectUri += "/other"
	}
	if !rightVerifier {
		request.CodeVerifier = strings.Repeat("wrong", 10)
	}
	tokens, err := w.ExchangeToken(w.t.Context(), request)
	want, grant := w.model.exchange(code.modelCode, client, rightURI, rightVerifier)
	w.saw(fmt.Sprintf("client %d redeems %s (URI %t, verifier %t)", client, code.text[:10], rightURI, rightVerifier), class(err), want)
	if err == nil && grant != nil {
		line := &walkLine{modelGrant: grant, refresh: []string{tokens.GetRefreshToken()}}
		w.lines = append(w.lines, line)
		w.received(line, tokens)
	}
}

// received keeps an access token, which lives as long as it says.
func (w *walk) received(line *walkLine, tokens *gatehousev1.ExchangeTokenResponse) {
	token := w.model.issue(line.modelGrant)
	w.access = append(w.access, walkToken{token, tokens.GetAccessToken()})
	if got, want := time.Duration(tokens.GetExpiresIn())*time.Second, token.expire.Sub(w.model.now); got != want {
		w.saw("expires_in", got.String(), want.String())
	}
}

// stepRefresh presents any token that a client has ever received, mostly the newest.
func (w *walk) stepRefresh() {
	line, ok := w.pickLine()
	if !ok {
		return
	}
	generation := len(line.refresh) - 1
	if w.rand.IntN(3) == 0 {
		generation = max(0, generation-1-w.rand.IntN(5)/4)
	}
	client := w.client(line.client)
	tokens, err := w.ExchangeToken(w.t.Context(), session{clientID: w.clients[client], refresh: line.refresh[generation]}.rotation())
	want, next := w.model.refresh(line.modelGrant, generation, client)
	w.saw(fmt.Sprintf("client %d refreshes %s with token %d", client, w.nameOfLine(line), generation), class(err), want)
	if err != nil || want != "ok" {
		return
	}
	if next == len(line.refresh) {
		line.refresh = append(line.refresh, tokens.GetRefreshToken())
	}
	if line.refresh[next] != tokens.GetRefreshToken() {
		w.saw("the successor", "another one", "the same as before")
	}
	w.received(line, tokens)
}

func (w *walk) nameOfLine(line *walkLine) string {
	for i, other := range w.lines {
		if other == line {
			return fmt.Sprintf("grant %d of %s", i, line.person)
		}
	}
	return "no grant"
}

func (w *walk) stepVerify() {
	token, ok := pick(w, w.access, func(token walkToken) bool { return w.model.stands(token.grant) })
	if !ok {
		return
	}
	request := session{access: token.text}.verification()
	if w.rand.IntN(2) == 0 {
		request.Freshness = gatehousev1.Freshness_FRESHNESS_CACHED
	}
	verdict, err := w.VerifyToken(w.t.Context(), request)
	got := class(err)
	switch {
	case verdict.GetActive():
		got = "active"
	case verdict.GetReason() == gatehousev1.InactiveReason_INACTIVE_REASON_SIGNATURE && !w.model.now.Before(token.expire):
		got = "EXPIRED" // its key may go when its last token is over
	case err == nil:
		got = strings.TrimPrefix(verdict.GetReason().String(), "INACTIVE_REASON_")
	}
	w.saw(fmt.Sprintf("verify a token of %s, %s", token.grant.person, request.GetFreshness()), got, w.model.verify(token.modelToken))
}

func (w *walk) stepRevoke() {
	line, ok := w.pickLine()
	if !ok {
		return
	}
	client, generation := w.client(line.client), w.rand.IntN(len(line.refresh))
	_, err := w.RevokeToken(w.t.Context(), &gatehousev1.RevokeTokenRequest{
		ClientId: w.clients[client], Token: line.refresh[generation],
	})
	w.model.revoke(line.modelGrant, client)
	w.saw(fmt.Sprintf("client %d revokes %s", client, w.nameOfLine(line)), class(err), "ok")
}

// stepDisconnect is a person who ends everything on the account page.
func (w *walk) stepDisconnect() {
	person := w.someone()
	begun, err := w.BeginAccountLogin(w.t.Context(), &gatehousev1.BeginAccountLoginRequest{})
	w.must(err)
	answer, err := callback(begun.GetBrowserSecret(), w.idp.Authorize(begun.GetUri(), person))
	w.must(err)
	done, err := w.CompleteAuthorization(w.t.Context(), answer)
	w.must(err)
	_, err = w.DisconnectGrants(w.t.Context(), &gatehousev1.DisconnectGrantsRequest{
		SessionSecret: done.GetAccount().GetSessionSecret(), Selector: &gatehousev1.DisconnectGrantsRequest_All{All: true},
	})
	w.model.endAll(person)
	w.saw(person+" disconnects everything", class(err), "ok")
}

func personAtProvider(name string, disabled bool) upstreamtest.User {
	return upstreamtest.User{Login: name, Subject: "subject of " + name, Disabled: disabled}
}

// stepDisable switches a person off at the provider, or on again.
func (w *walk) stepDisable() {
	name := w.someone()
	person := w.model.people[name]
	person.disabled = !person.disabled
	w.idp.AddUser(personAtProvider(name, person.disabled))
	w.saw(fmt.Sprintf("%s is disabled: %t", name, person.disabled), "ok", "ok")
}

func (w *walk) stepRestart() {
	w.close()
	w.open()
	w.model.restart()
	w.saw("restart", "ok", "ok")
}

// stepWait lets time pass: some, or until the moment at which something ends, or a second before or after it.
func (w *walk) stepWait() {
	const day = 24 * time.Hour
	all := []time.Duration{time.Second, 30 * time.Second, time.Minute, 4 * time.Minute, 11 * time.Minute, time.Hour, 29 * day, 90 * day}
	d := all[min(w.rand.IntN(len(all)), w.rand.IntN(len(all)), w.rand.IntN(len(all)))]
	if ends := w.model.ends(); len(ends) > 0 && w.rand.IntN(2) == 0 {
		next := min(w.rand.IntN(len(ends)), w.rand.IntN(len(ends)))
		d = max(0, ends[next].Sub(w.model.now)+time.Duration(w.rand.IntN(3)-1)*time.Second)
	}
	w.clock.Advance(d)
	w.model.now = w.clock.Now()
	w.saw("wait "+d.String(), "ok", "ok")
}

func (w *walk) stepRotateKeys() {
	immediately := w.rand.IntN(2) == 0
	_, err := w.admin.RotateKeys(w.t.Context(), &gatehousev1.RotateKeysRequest{Immediately: immediately})
	w.saw(fmt.Sprintf("rotate the keys, at once: %t", immediately), class(err), "ok")
}
