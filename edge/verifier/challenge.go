package verifier

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
)

// Error codes of RFC 6750 section 3.1.
const (
	codeInvalidRequest    = "invalid_request"
	codeInvalidToken      = "invalid_token"
	codeInsufficientScope = "insufficient_scope"
)

// Texts that clients may see. They are constant, and none has the word "scope" followed by an equals sign in it: some
// clients search the whole header for parameters instead of parsing it.
const (
	textRepeated    = "The request has more than one Authorization header."
	textInactive    = "The access token is not valid. Get a new one."
	textScope       = "The access token does not carry all that this request needs."
	textUnavailable = "The server cannot check the access token at the moment. Try again."
)

// challenges are the values of WWW-Authenticate, made once from the configuration. Nothing of a request gets into them.
type challenges struct {
	metadataURL string
	bare        string
	repeated    string
	inactive    string
}

func newChallenges(config Config) challenges {
	scopes := config.ChallengeScopes
	if len(scopes) == 0 {
		scopes = config.RequiredScopes
	}
	c := challenges{metadataURL: config.MetadataURL}
	c.bare = c.header("", "", scopes)
	c.repeated = c.header(codeInvalidRequest, textRepeated, scopes)
	c.inactive = c.header(codeInvalidToken, textInactive, scopes)
	return c
}

// header returns a Bearer challenge (RFC 6750 section 3, RFC 9728 section 5.1). Bearer is the only scheme in it: some
// clients look at the beginning of the header only.
func (c challenges) header(code, description string, scopes []string) string {
	var params []string
	add := func(name, value string) {
		if value != "" {
			params = append(params, name+"="+quote(value))
		}
	}
	add("error", code)
	add("error_description", description)
	add("resource_metadata", c.metadataURL)
	add("scope", strings.Join(scopes, " "))
	if len(params) == 0 {
		return "Bearer"
	}
	return "Bearer " + strings.Join(params, ", ")
}

// quote returns a quoted-string (RFC 9110 section 5.6.4). What may not stand in one is left out.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		switch {
		case c < ' ' || c > '~':
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// WriteError answers a request that [Verifier.Authenticate] refused:
//
//	ErrNoCredentials         401, a challenge without an error (RFC 6750 section 3.1)
//	ErrRepeatedCredentials   400 invalid_request
//	*Inactive                401 invalid_token
//	*InsufficientScope       403 insufficient_scope, with every scope that is needed
//	anything else            503 with Retry-After
func (v *Verifier) WriteError(w http.ResponseWriter, err error) {
	if errors.Is(err, ErrNoCredentials) {
		w.Header().Set("Www-Authenticate", v.challenges.bare)
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if errors.Is(err, ErrRepeatedCredentials) {
		w.Header().Set("Www-Authenticate", v.challenges.repeated)
		writeJSON(w, http.StatusBadRequest, codeInvalidRequest, textRepeated)
		return
	}
	if _, ok := errors.AsType[*Inactive](err); ok {
		w.Header().Set("Www-Authenticate", v.challenges.inactive)
		writeJSON(w, http.StatusUnauthorized, codeInvalidToken, textInactive)
		return
	}
	if missing, ok := errors.AsType[*InsufficientScope](err); ok {
		w.Header().Set("Www-Authenticate", v.challenges.header(codeInsufficientScope, textScope, missing.Required))
		writeJSON(w, http.StatusForbidden, codeInsufficientScope, textScope)
		return
	}
	w.Header().Set("Retry-After", strconv.Itoa(retrySeconds(err)))
	writeJSON(w, http.StatusServiceUnavailable, "temporarily_unavailable", textUnavailable)
}

// retrySeconds returns a whole number of seconds, since Retry-After knows no other, and at least one.
func retrySeconds(err error) int {
	wait := defaultRetryAfter
	if outage, ok := errors.AsType[*Unavailable](err); ok {
		wait = outage.RetryAfter
	}
	return max(1, int(math.Ceil(wait.Seconds())))
}

// writeJSON writes the body that OAuth clients know from the token endpoint (RFC 6749 section 5.2).
func writeJSON(w http.ResponseWriter, status int, code, description string) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// A failure to write is a client that is gone.
	_ = json.NewEncoder(w).Encode(struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{code, description})
}
