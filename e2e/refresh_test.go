package e2e

import (
	"net/http"
	"net/url"
	"testing"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// refreshForm is the token request with which a session goes on.
func refreshForm(s session) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {s.refresh}, "client_id": {s.id}}
}

// refreshed refreshes a session, which has to work.
func (d *deployment) refreshed(t *testing.T, s session) session {
	t.Helper()
	answer := d.exchange(t, refreshForm(s))
	if answer.Status != http.StatusOK {
		t.Fatalf("refresh: %s", answer)
	}
	if answer.Text("refresh_token") == "" || answer.Text("refresh_token") == s.refresh {
		t.Fatal("the refresh token did not rotate")
	}
	s.access, s.refresh, s.scope = answer.Text("access_token"), answer.Text("refresh_token"), answer.Text("scope")
	return s
}

// rotatesRefreshTokens also lets an answer get lost. Whoever asks again soon gets the same successor, as often as it takes,
// and a new access token. That ends when the successor is used.
func rotatesRefreshTokens(t *testing.T, d *deployment) {
	first := d.connect(t, d.alice)
	if first.refresh == "" {
		t.Fatal("no refresh token, though the client registered the grant type")
	}
	second := d.refreshed(t, first)
	for range 3 {
		again := d.refreshed(t, first)
		if again.refresh != second.refresh {
			t.Fatal("the same refresh token has two successors")
		}
		if again.access == second.access {
			t.Error("the access token was repeated, too")
		}
	}
	for name, token := range map[string]string{"first": first.access, "second": second.access} {
		if status := d.mcpStatus(t, token); status != http.StatusOK {
			t.Errorf("the %s access token is refused: %d", name, status)
		}
	}
	d.refreshed(t, second)
}

// endsReusedGrant: a token that is older than the last but one, or whose successor was used, is in the wrong hands. RFC 9700
// section 4.14.2. The user's other grants, of the same client too, have nothing to do with it.
func endsReusedGrant(t *testing.T, d *deployment) {
	first := d.connect(t, d.alice)
	neighbour := d.connectClient(t, first.client, d.alice)
	second := d.refreshed(t, first)
	third := d.refreshed(t, second)
	d.checkInvalidGrant(t, "a refresh token whose successor was used", refreshForm(first))
	d.checkInvalidGrant(t, "the refresh token that was good until then", refreshForm(third))
	for _, s := range []session{first, second, third} {
		eventually(t, revocationDelay, "the end of the access tokens", func() bool {
			return d.mcpStatus(t, s.access) == http.StatusUnauthorized
		})
	}
	if status := d.mcpStatus(t, neighbour.access); status != http.StatusOK {
		t.Errorf("another grant of the same user and client: %d", status)
	}
	d.refreshed(t, neighbour)
}

// bindsRefreshTokens also shows that a stranger who found a token can neither use it nor end anything with it.
func bindsRefreshTokens(t *testing.T, d *deployment) {
	s := d.connect(t, d.alice)
	used := s
	s = d.refreshed(t, d.refreshed(t, s))
	stranger := d.register(t)
	for name, stolen := range map[string]session{"a good one": s, "a used one": used} {
		stolen.client = stranger
		d.checkInvalidGrant(t, name+" at another client", refreshForm(stolen))
	}
	for name, token := range map[string]string{
		"an access token": s.access, "another text": "not-" + s.refresh, "one with an end": s.refresh + "x",
		"one without its end": s.refresh[:len(s.refresh)-1],
	} {
		form := refreshForm(s)
		form.Set("refresh_token", token)
		d.checkInvalidGrant(t, name, form)
	}
	form := refreshForm(s)
	form.Del("refresh_token")
	if answer := d.exchange(t, form); answer.Status != http.StatusBadRequest || answer.Text("error") != "invalid_request" {
		t.Errorf("no refresh token: %s", answer)
	}
	d.refreshed(t, s)
}

// neverWidensScopes: RFC 6749 section 6.
func neverWidensScopes(t *testing.T, d *deployment) {
	s := d.connect(t, d.alice)
	form := refreshForm(s)
	form.Set("scope", s.scope+" admin")
	if answer := d.exchange(t, form); answer.Status != http.StatusBadRequest || answer.Text("error") != "invalid_scope" {
		t.Errorf("a wider scope: %s", answer)
	}
	form.Set("scope", s.scope)
	form.Set("resource", "https://other.example/mcp")
	if answer := d.exchange(t, form); answer.Status != http.StatusBadRequest || answer.Text("error") != "invalid_target" {
		t.Errorf("another resource: %s", answer)
	}
	form.Set("resource", d.resource())
	if answer := d.exchange(t, form); answer.Status != http.StatusOK || answer.Text("scope") != s.scope {
		t.Errorf("the same scope and resource: %s with scope %q", answer, answer.Text("scope"))
	}
}

// TestServeNarrowsScopes: a client may ask for less, for one access token. The grant keeps what it has.
func TestServeNarrowsScopes(t *testing.T) {
	d := startServe(t, map[string]string{"GATEHOUSE_SCOPES": "mcp files:write"})
	s := d.connect(t, d.alice)
	form := refreshForm(s)
	form.Set("scope", "mcp")
	narrow := d.exchange(t, form)
	if narrow.Status != http.StatusOK || narrow.Text("scope") != "mcp" {
		t.Fatalf("a narrower scope: %s with scope %q", narrow, narrow.Text("scope"))
	}
	s.refresh = narrow.Text("refresh_token")
	if wide := d.refreshed(t, s); wide.scope != s.scope {
		t.Errorf("the next refresh gives %q, want %q", wide.scope, s.scope)
	}
	verdict, err := d.authService(t).VerifyToken(t.Context(), &gatehousev1.VerifyTokenRequest{
		Token: narrow.Text("access_token"), Resource: d.resource(), RequiredScopes: []string{"files:write"},
	})
	if err != nil || verdict.GetReason() != gatehousev1.InactiveReason_INACTIVE_REASON_INSUFFICIENT_SCOPE {
		t.Errorf("the narrow token where the other scope is needed: %v, %v", verdict, err)
	}
}

// TestServeWithoutGrace: an operator who wants no second answers gets none.
func TestServeWithoutGrace(t *testing.T) {
	d := startServe(t, map[string]string{"GATEHOUSE_REFRESH_GRACE": "0s"})
	first := d.connect(t, d.alice)
	second := d.refreshed(t, first)
	d.checkInvalidGrant(t, "a used refresh token", refreshForm(first))
	d.checkInvalidGrant(t, "its successor", refreshForm(second))
}

// TestServeEndsGrace: the time for second answers counts from the first use and is not prolonged by the second.
func TestServeEndsGrace(t *testing.T) {
	d := startServe(t, map[string]string{"GATEHOUSE_REFRESH_GRACE": "2s"})
	first := d.connect(t, d.alice)
	second := d.refreshed(t, first)
	eventually(t, 2*revocationDelay, "the end of the grace", func() bool {
		return d.exchange(t, refreshForm(first)).Text("error") == "invalid_grant"
	})
	d.checkInvalidGrant(t, "its successor", refreshForm(second))
}
