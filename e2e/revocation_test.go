package e2e

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/oauthclient"
)

// post sends a form to an endpoint.
func (d *deployment) post(t *testing.T, path string, form url.Values, basic *url.Userinfo) oauthclient.Answer {
	t.Helper()
	answer, err := d.server.Post(t.Context(), path, form, basic)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// revokesTokens: RFC 7009. Each token of a grant stands for the grant.
func revokesTokens(t *testing.T, d *deployment) {
	for name, present := range map[string]func(before, now session) string{
		"the access token":         func(_, now session) string { return now.access },
		"the refresh token":        func(_, now session) string { return now.refresh },
		"an earlier access token":  func(before, _ session) string { return before.access },
		"an earlier refresh token": func(before, _ session) string { return before.refresh },
	} {
		before := d.connect(t, d.alice)
		s := d.refreshed(t, before)
		d.checkHolds(t, s, 0)
		form := url.Values{"token": {present(before, s)}, "client_id": {s.id}}
		for range 2 {
			if answer := d.post(t, "/revoke", form, nil); answer.Status != http.StatusOK {
				t.Errorf("%s: %s", name, answer)
			}
		}
		eventually(t, revocationDelay, "the end of the access token", func() bool {
			return d.mcpStatus(t, s.access) == http.StatusUnauthorized
		})
		d.checkInvalidGrant(t, "the refresh token after the revocation of "+name, refreshForm(s))
	}
}

// revokesOwnTokensOnly: nobody learns anything from the answer, and nobody but the client ends anything.
func revokesOwnTokensOnly(t *testing.T, d *deployment) {
	s, stranger := d.connect(t, d.alice), d.register(t)
	for name, test := range map[string]struct {
		form   url.Values
		status int
		code   string
	}{
		"an unknown token":             {url.Values{"token": {"unknown"}, "client_id": {s.id}}, http.StatusOK, ""},
		"another's access token":       {url.Values{"token": {s.access}, "client_id": {stranger.id}}, http.StatusOK, ""},
		"another's refresh token":      {url.Values{"token": {s.refresh}, "client_id": {stranger.id}}, http.StatusOK, ""},
		"no token":                     {url.Values{"client_id": {s.id}}, http.StatusBadRequest, "invalid_request"},
		"a token by an unknown client": {url.Values{"token": {s.access}, "client_id": {"unknown"}}, http.StatusUnauthorized, "invalid_client"},
		"a token by nobody":            {url.Values{"token": {s.access}}, http.StatusUnauthorized, "invalid_client"},
	} {
		answer := d.post(t, "/revoke", test.form, nil)
		if answer.Status != test.status || answer.Text("error") != test.code {
			t.Errorf("%s: %s, want %d %s", name, answer, test.status, test.code)
		}
		if answer.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: the answer may be cached", name)
		}
	}
	if status := d.mcpStatus(t, s.access); status != http.StatusOK {
		t.Errorf("the token after all that: %d", status)
	}
	d.refreshed(t, s)
}
