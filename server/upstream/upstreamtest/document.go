package upstreamtest

import (
	"net/http"
	"strings"
)

func (f *FakeIdP) serveDiscovery(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	issuer := f.Issuer()
	document := map[string]any{
		"issuer":                                         issuer,
		"authorization_endpoint":                         issuer + string(Authorization),
		"token_endpoint":                                 issuer + string(Token),
		"userinfo_endpoint":                              issuer + string(Userinfo),
		"jwks_uri":                                       issuer + string(Keys),
		"response_types_supported":                       []string{"code"},
		"subject_types_supported":                        []string{"public"},
		"id_token_signing_alg_values_supported":          []string{"RS256", "ES256"},
		"code_challenge_methods_supported":               []string{"S256"},
		"authorization_response_iss_parameter_supported": !f.settings.OmitIssuer,
	}
	if !f.settings.NoIntrospection {
		document["introspection_endpoint"] = issuer + string(Introspection)
	}
	if !f.settings.NoRevocation {
		document["revocation_endpoint"] = issuer + string(Revocation)
	}
	f.edits.apply(f.edits.metadata, document)
	writeJSON(w, http.StatusOK, document)
}

func (f *FakeIdP) serveKeys(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	keys := make([]any, len(f.keys))
	for i, key := range f.keys {
		keys[i] = key.JWK()
	}
	document := map[string]any{"keys": keys}
	f.edits.apply(f.edits.keys, document)
	writeJSON(w, http.StatusOK, document)
}

func (f *FakeIdP) serveUserinfo(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	token, ok := f.accessTokens[bearer]
	if !ok || !f.active(token) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+realm+`", error="invalid_token", error_description="fake description"`)
		writeError(w, http.StatusUnauthorized, "invalid_token")
		return
	}
	user := f.users[token.session.user]
	document := user.profile()
	document["sub"] = user.Subject
	f.edits.apply(f.edits.userinfo, document)
	writeJSON(w, http.StatusOK, document)
}
