package oauth_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
)

// The pair of RFC 7636 appendix B.
const (
	rfcVerifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	rfcChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

func TestParseChallengeTakesS256Only(t *testing.T) {
	if c, err := oauth.ParseChallenge("S256", rfcChallenge); err != nil || c != rfcChallenge {
		t.Errorf("got %q, %v", c, err)
	}
	tests := []struct{ name, method, challenge string }{
		{"nothing", "", ""},
		{"challenge without method", "", rfcChallenge},
		{"method without challenge", "S256", ""},
		{"plain", "plain", rfcChallenge},
		{"lower case", "s256", rfcChallenge},
		{"trailing space", "S256 ", rfcChallenge},
		{"unknown method", "S512", rfcChallenge},
		{"42 characters", "S256", rfcChallenge[1:]},
		{"44 characters", "S256", rfcChallenge + "A"},
		{"padded", "S256", rfcChallenge[1:] + "="},
		{"standard alphabet", "S256", rfcChallenge[1:] + "+"},
		{"newline", "S256", rfcChallenge[1:] + "\n"},
		{"non-ASCII", "S256", rfcChallenge[2:] + "é"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := oauth.ParseChallenge(tt.method, tt.challenge)
			wantError(t, err, oauth.InvalidRequest)
		})
	}
}

func TestChallengeVerify(t *testing.T) {
	long := strings.Repeat("a-._~Z09", 16)
	tests := []struct {
		name      string
		challenge oauth.Challenge
		verifier  string
		want      oauth.Code // empty for success
	}{
		{"the right one", rfcChallenge, rfcVerifier, ""},
		{"the right one with 128 characters", oauth.ChallengeOf(long), long, ""},
		{"missing", rfcChallenge, "", oauth.InvalidRequest},
		{"of another flow", rfcChallenge, strings.Repeat("a", 43), oauth.InvalidGrant},
		{"the challenge itself", rfcChallenge, rfcChallenge, oauth.InvalidGrant},
		{"42 characters", oauth.ChallengeOf(rfcVerifier[1:]), rfcVerifier[1:], oauth.InvalidGrant},
		{"129 characters", oauth.ChallengeOf(long + "a"), long + "a", oauth.InvalidGrant},
		{"reserved character", oauth.ChallengeOf(rfcVerifier + "+"), rfcVerifier + "+", oauth.InvalidGrant},
		{"no challenge was stored", "", rfcVerifier, oauth.InvalidGrant},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.challenge.Verify(tt.verifier)
			if tt.want != "" {
				wantError(t, err, tt.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestChallengeOf(t *testing.T) {
	if got := oauth.ChallengeOf(rfcVerifier); got != rfcChallenge {
		t.Errorf("got %q, want %q", got, rfcChallenge)
	}
}
