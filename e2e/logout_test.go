package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// logoutPath is where the provider posts logout tokens.
const logoutPath = "/auth/backchannel-logout"

// endsWithProviderSession: OpenID Connect Back-Channel Logout 1.0. The next check of the provider is a minute away.
func endsWithProviderSession(t *testing.T, d *deployment) {
	s, other := d.connect(t, d.alice), d.connect(t, d.bob)
	d.checkHolds(t, s, 0)
	tokens := d.provider.LogOut(d.alice.username)
	for _, token := range tokens {
		answer := d.post(t, logoutPath, url.Values{"logout_token": {token}}, nil)
		if answer.Status != http.StatusOK || answer.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("the logout token: %s, Cache-Control %q", answer, answer.Header.Get("Cache-Control"))
		}
	}
	eventually(t, revocationDelay, "the end of the session", func() bool {
		return d.mcpStatus(t, s.access) == http.StatusUnauthorized
	})
	d.checkInvalidGrant(t, "its refresh token", refreshForm(s))
	d.checkHolds(t, other, 0)

	again := d.connect(t, d.alice)
	if answer := d.post(t, logoutPath, url.Values{"logout_token": {tokens[0]}}, nil); answer.Status != http.StatusBadRequest {
		t.Errorf("the same logout token again: %s, want 400", answer)
	}
	d.checkHolds(t, again, 0)
}

func refusesForgedLogouts(t *testing.T, d *deployment) {
	s := d.connect(t, d.alice)
	genuine := strings.Split(d.provider.LogoutToken(d.bob.username), ".")
	claims := decodePart(t, genuine[1])
	claims["sub"] = d.provider.Subject(d.alice.username)
	delete(claims, "sid")
	// Until the provider's keys are as new as a token, nothing is known of its signature.
	claims["iat"] = time.Now().Add(-2 * time.Minute).Unix()
	for name, token := range map[string]string{
		"another user's, changed": genuine[0] + "." + encodePart(t, claims) + "." + genuine[2],
		"without a signature":     encodePart(t, map[string]any{"alg": "none"}) + "." + encodePart(t, claims) + ".",
		"by a foreign key":        signECDSA(t, map[string]any{"alg": "ES256", "typ": "logout+jwt"}, claims),
		"one of our own tokens":   s.access,
		"not a token":             "garbage",
		"nothing":                 "",
	} {
		answer := d.post(t, logoutPath, url.Values{"logout_token": {token}}, nil)
		if answer.Status != http.StatusBadRequest || answer.Text("error") != "invalid_request" {
			t.Errorf("%s: %s, want 400 invalid_request", name, answer)
		}
	}
	d.checkHolds(t, s, 0)
}
