package oauthclient

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/url"
)

// Attempt is one authorization request of a client.
type Attempt struct {
	ClientID, RedirectURI string
	State, Verifier       string
	// Extra are more parameters, or others in place of the usual ones. An empty value removes a parameter.
	Extra url.Values
}

// NewAttempt returns a request with fresh state and PKCE verifier.
func (s Server) NewAttempt(clientID, redirectURI string) Attempt {
	attempt := Attempt{
		ClientID:    clientID,
		RedirectURI: redirectURI,
		State:       rand.Text(),
		Verifier:    rand.Text() + rand.Text(),
	}
	s.Secret("client state", attempt.State)
	s.Secret("code verifier", attempt.Verifier)
	return attempt
}

// AuthorizeURL is where the attempt sends the browser.
func (s Server) AuthorizeURL(a Attempt) string {
	query := url.Values{
		"response_type":         {"code"},
		"client_id":             {a.ClientID},
		"redirect_uri":          {a.RedirectURI},
		"state":                 {a.State},
		"code_challenge":        {Challenge(a.Verifier)},
		"code_challenge_method": {"S256"},
	}
	maps.Copy(query, a.Extra)
	maps.DeleteFunc(query, func(_ string, values []string) bool { return len(values) == 1 && values[0] == "" })
	return s.URL + "/authorize?" + query.Encode()
}

// ExchangeForm is the token request for the code that the attempt brought.
func (a Attempt) ExchangeForm(code string) url.Values {
	return url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {code},
		"redirect_uri":  {a.RedirectURI},
		"client_id":     {a.ClientID},
		"code_verifier": {a.Verifier},
	}
}

// Challenge is the S256 challenge of a PKCE verifier (RFC 7636 section 4.2).
func Challenge(verifier string) string {
	digest := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(digest[:])
}
