package seed

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/identifier"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/storage/transfer"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

const (
	provider = "keycloak"
	issuer   = "https://sso.example.com/realms/company"

	// Lengths of the tokens of a Keycloak with a handful of roles.
	accessTokenLength  = 1300
	refreshTokenLength = 700
	idTokenLength      = 1000

	// rotateEvery is how often a client at work refreshes.
	rotateEvery = 8 * time.Hour
)

// values is a row by the names of its columns. What is left out is empty.
type values map[string]transfer.Value

// row puts values in order.
func (v values) row(table transfer.Table) transfer.Row {
	row := make(transfer.Row, len(table.Columns))
	for name, value := range v {
		row[table.Index(name)] = value
	}
	return row
}

// ago spreads moments evenly over the last third of a lifetime, so that everything is used and nothing has expired.
func (p *people) ago(lifetime time.Duration, i, count int) time.Time {
	return p.Now.Add(-time.Duration(float64(lifetime) / 3 * float64(i) / float64(count))).Truncate(time.Microsecond)
}

func (p *people) client(i int) transfer.Row {
	return values{
		"id":               {Text: p.Random.ID()},
		"origin":           {Text: string(storage.OriginDynamic)},
		"name":             {Text: []string{"Cursor", "Claude Code", "Visual Studio Code", "MCP Inspector"}[i%4]},
		"auth_method":      {Text: "none"},
		"redirect_uris":    {List: []string{"http://127.0.0.1/callback", "http://localhost/callback"}},
		"grant_types":      {List: []string{"authorization_code", "refresh_token"}},
		"scopes":           {List: p.Scopes},
		"application_type": {Text: "native"},
		"client_uri":       {Text: "https://client.example.com"},
		"create_time":      {Time: p.ago(p.Grant, i, p.Clients)},
		"last_used_time":   {Time: p.ago(p.RefreshIdle, i, p.Clients)},
	}.row(transfer.Clients())
}

func (p *people) user(i int) storage.User {
	subject := p.Random.ID()
	login := fmt.Sprintf("person%d", i)
	return storage.User{
		ID: identifier.User(provider, issuer, subject), Provider: provider, Issuer: issuer, Subject: subject,
		Name: fmt.Sprintf("Person %d", i), GivenName: "Person", FamilyName: fmt.Sprint(i),
		Email: login + "@example.com", EmailVerified: true, PreferredUsername: login,
		Groups: []string{"/staff", fmt.Sprintf("/department-%d", i%50)}, UpdateTime: p.ago(p.RefreshIdle, i, p.Users),
	}
}

// credential returns tokens of the usual lengths, sealed. They were renewed just before Now.
func (p *people) credential(user storage.User, i int) (storage.Credential, error) {
	record, err := p.Vault.Record(user, upstream.Login{
		SessionID: p.Random.ID(),
		Tokens: upstream.Tokens{
			AccessToken:       dummy(accessTokenLength),
			RefreshToken:      dummy(refreshTokenLength),
			IDToken:           dummy(idTokenLength),
			Scope:             "openid profile email",
			AccessExpireTime:  p.Now.Add(5 * time.Minute),
			RefreshExpireTime: p.Now.Add(p.RefreshIdle),
		},
	}, p.ago(time.Hour, i, p.Users))
	record.Version = 1
	return record, err
}

// dummy may say the same each time: sealed, it does not.
func dummy(length int) secret.Text { return secret.NewText(strings.Repeat("x", length)) }

func (p *people) grant(i int) transfer.Row {
	owner := p.owners[i%p.Users]
	created := p.ago(p.Grant, i, p.Grants)
	used := p.ago(min(p.RefreshIdle, p.Grant), i, p.Grants)
	generation := 1 + int64(used.Sub(created)/rotateEvery)
	head := values{
		"id":                  {Text: p.Random.ID()},
		"client_id":           {Text: p.clients[i%p.Clients]},
		"user_id":             {Text: owner.user},
		"credential_id":       {Text: owner.credential},
		"resource":            {Text: p.Resource},
		"scopes":              {List: p.Scopes},
		"create_time":         {Time: created},
		"last_used_time":      {Time: used},
		"expire_time":         {Time: created.Add(p.Grant)},
		"refresh_generation":  {Int: generation},
		"refresh_hash":        {Bytes: p.Random.Bytes(sha256.Size)},
		"refresh_expire_time": {Time: used.Add(p.RefreshIdle)},
	}
	if generation > 1 {
		head["refresh_rotate_time"] = transfer.Value{Time: used}
	}
	return head.row(transfer.Grants())
}

func userRow(u storage.User) transfer.Row {
	return values{
		"id":                 {Text: u.ID},
		"provider":           {Text: u.Provider},
		"issuer":             {Text: u.Issuer},
		"subject":            {Text: u.Subject},
		"name":               {Text: u.Name},
		"given_name":         {Text: u.GivenName},
		"family_name":        {Text: u.FamilyName},
		"email":              {Text: u.Email},
		"email_verified":     {Bool: u.EmailVerified},
		"preferred_username": {Text: u.PreferredUsername},
		"group_names":        {List: u.Groups},
		"update_time":        {Time: u.UpdateTime},
	}.row(transfer.Users())
}

func credentialRow(c storage.Credential) transfer.Row {
	return values{
		"id":                  {Text: c.ID},
		"user_id":             {Text: c.UserID},
		"provider":            {Text: c.Provider},
		"scopes":              {Text: c.Scopes},
		"sealed":              {Bytes: c.Sealed},
		"access_expire_time":  {Time: c.AccessExpireTime},
		"refresh_expire_time": {Time: c.RefreshExpireTime},
		"has_refresh_token":   {Bool: c.HasRefreshToken},
		"session_id":          {Text: c.SessionID},
		"version":             {Int: c.Version},
		"update_time":         {Time: c.UpdateTime},
	}.row(transfer.Credentials())
}
