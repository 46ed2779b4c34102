package realm

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	accessLife  = 5 * time.Minute
	refreshLife = 30 * time.Minute
)

// token answers the token endpoint: a code or a refresh token for tokens.
func (r *Realm) token(w http.ResponseWriter, req *http.Request) {
	if !r.knownClient(req) {
		fail(w, http.StatusUnauthorized, "unauthorized_client", "Invalid client or Invalid client credentials")
		return
	}
	switch req.PostFormValue("grant_type") {
	case "authorization_code":
		r.exchange(w, req)
	case "refresh_token":
		r.refresh(w, req)
	default:
		fail(w, http.StatusBadRequest, "unsupported_grant_type", "Unsupported grant_type")
	}
}

func (r *Realm) exchange(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	login, ok := r.codes[req.PostFormValue("code")]
	delete(r.codes, req.PostFormValue("code"))
	r.mu.Unlock()
	verifier := req.PostFormValue("code_verifier")
	r.config.Secret("provider code verifier", verifier)
	digest := sha256.Sum256([]byte(verifier))
	proven := base64.RawURLEncoding.EncodeToString(digest[:]) == login.challenge
	if !ok || !proven || req.PostFormValue("redirect_uri") != login.redirectURI {
		fail(w, http.StatusBadRequest, "invalid_grant", "Code not valid")
		return
	}
	r.issue(w, session{user: login.user, scope: login.scope, expire: time.Now().Add(refreshLife)}, login.nonce)
}

func (r *Realm) refresh(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	session, ok := r.sessions[req.PostFormValue("refresh_token")]
	delete(r.sessions, req.PostFormValue("refresh_token"))
	r.mu.Unlock()
	if !ok || time.Now().After(session.expire) {
		fail(w, http.StatusBadRequest, "invalid_grant", "Token is not active")
		return
	}
	r.issue(w, session, "")
}

func (r *Realm) issue(w http.ResponseWriter, s session, nonce string) {
	access := r.sign("provider access token", r.claims(s.user, map[string]any{
		"typ": "Bearer", "aud": "account", "scope": s.scope, "exp": time.Now().Add(accessLife).Unix(),
	}))
	identity := map[string]any{"typ": "ID", "aud": r.config.ClientID, "exp": time.Now().Add(accessLife).Unix()}
	if nonce != "" {
		identity["nonce"] = nonce
	}
	answer := map[string]any{
		"access_token":       access,
		"id_token":           r.sign("provider ID token", r.claims(s.user, identity)),
		"refresh_token":      r.random("provider refresh token"),
		"token_type":         "Bearer",
		"expires_in":         int(accessLife.Seconds()),
		"refresh_expires_in": int(time.Until(s.expire).Seconds()),
		"not-before-policy":  0,
		"scope":              s.scope,
	}
	r.mu.Lock()
	r.sessions[answer["refresh_token"].(string)] = s
	r.tokens[access] = session{user: s.user, scope: s.scope, expire: time.Now().Add(accessLife)}
	r.mu.Unlock()
	respond(w, http.StatusOK, answer)
}

func (r *Realm) userinfo(w http.ResponseWriter, req *http.Request) {
	s, ok := r.session(strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer "))
	if !ok {
		fail(w, http.StatusUnauthorized, "invalid_token", "Token verification failed")
		return
	}
	respond(w, http.StatusOK, r.claims(s.user, nil))
}

func (r *Realm) introspect(w http.ResponseWriter, req *http.Request) {
	if !r.knownClient(req) {
		fail(w, http.StatusUnauthorized, "invalid_request", "Authentication failed.")
		return
	}
	s, ok := r.session(req.PostFormValue("token"))
	if !ok {
		respond(w, http.StatusOK, map[string]any{"active": false})
		return
	}
	respond(w, http.StatusOK, r.claims(s.user, map[string]any{
		"active": true, "client_id": r.config.ClientID, "scope": s.scope, "exp": s.expire.Unix(),
	}))
}

func (r *Realm) session(accessToken string) (session, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.tokens[accessToken]
	return s, ok && time.Now().Before(s.expire)
}

// knownClient checks client_secret_basic or client_secret_post.
func (r *Realm) knownClient(req *http.Request) bool {
	id, secret := req.PostFormValue("client_id"), req.PostFormValue("client_secret")
	if user, password, ok := req.BasicAuth(); ok {
		id, _ = url.QueryUnescape(user)
		secret, _ = url.QueryUnescape(password)
	}
	return id == r.config.ClientID && subtle.ConstantTimeCompare([]byte(secret), []byte(r.config.ClientSecret)) == 1
}
