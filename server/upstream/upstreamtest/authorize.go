package upstreamtest

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"net/url"
)

// userParameter and denyParameter are how Authorize and Deny tell the endpoint what the person would do.
const (
	userParameter = "fake_user"
	denyParameter = "fake_deny"
)

// login is an authorization that waits for its code to be redeemed.
type login struct {
	user        string
	nonce       string
	challenge   string
	redirectURI string
	scope       string
	redeemed    bool
	session     *session // what it became
}

// Authorize does what a browser would in which a user logs in at an authorization URL, and returns where the provider
// sends it: the callback with code and state.
func (f *FakeIdP) Authorize(authorizationURL, user string) (callbackURL string) {
	f.tb.Helper()
	return f.browse(authorizationURL, userParameter, user)
}

// Deny is Authorize for a person who declines: the callback has error=access_denied.
func (f *FakeIdP) Deny(authorizationURL string) (callbackURL string) {
	f.tb.Helper()
	return f.browse(authorizationURL, denyParameter, "yes")
}

func (f *FakeIdP) browse(authorizationURL, parameter, value string) string {
	f.tb.Helper()
	location := authorizationURL + "&" + parameter + "=" + url.QueryEscape(value)
	request, err := http.NewRequestWithContext(f.tb.Context(), http.MethodGet, location, nil)
	if err != nil {
		f.tb.Errorf("fake provider: %v", err)
		return ""
	}
	// A transport shows redirects instead of following them.
	response, err := f.server.Client().Transport.RoundTrip(request)
	if err != nil {
		f.tb.Errorf("fake provider: %v", err)
		return ""
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusFound {
		f.tb.Errorf("fake provider: the authorization request was answered with status %d", response.StatusCode)
	}
	return response.Header.Get("Location")
}

func (f *FakeIdP) serveAuthorization(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	target, err := url.Parse(query.Get("redirect_uri"))
	if query.Get("client_id") != clientID || err != nil || !target.IsAbs() {
		http.Error(w, "unknown client or redirect URI", http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	user, ok := f.users[cmp.Or(query.Get(userParameter), f.signedIn)]
	if !ok {
		http.Error(w, "unknown user", http.StatusBadRequest)
		return
	}
	answer := target.Query()
	if state := query.Get("state"); state != "" {
		answer.Set("state", state)
	}
	if !f.settings.OmitIssuer {
		answer.Set("iss", f.Issuer())
	}
	switch problem := f.authorizationProblem(query); problem {
	case "":
		answer.Set("code", f.newCode(user, query))
	default:
		answer.Set("error", problem)
		answer.Set("error_description", "fake description with <script>")
	}
	target.RawQuery = answer.Encode()
	http.Redirect(w, r, target.String(), http.StatusFound) //nolint:gosec // G710: a fake knows no redirect URIs
}

func (f *FakeIdP) authorizationProblem(query url.Values) string {
	switch {
	case query.Get("response_type") != "code":
		return "unsupported_response_type"
	case f.settings.RequirePKCE && (query.Get("code_challenge_method") != "S256" || len(query.Get("code_challenge")) != 43):
		return "invalid_request"
	case query.Has(denyParameter):
		return "access_denied"
	}
	return ""
}

func (f *FakeIdP) newCode(user User, query url.Values) string {
	code := "fake-code-" + rand.Text()
	f.codes[code] = &login{
		user:        user.Login,
		nonce:       query.Get("nonce"),
		challenge:   query.Get("code_challenge"),
		redirectURI: query.Get("redirect_uri"),
		scope:       query.Get("scope"),
	}
	return code
}
