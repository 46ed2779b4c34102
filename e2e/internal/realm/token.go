package realm

import (
	"crypto/rand"
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
	s := &session{id: rand.Text(), user: login.user, scope: login.scope, expire: time.Now().Add(refreshLife)}
	r.issue(w, s, login.nonce)
}

func (r *Realm) refresh(w http.ResponseWriter, req *http.Request) {
	s := r.renew(req.PostFormValue("refresh_token"))
	if s == nil {
		fail(w, http.StatusBadRequest, "invalid_grant", "Token is not active")
		return
	}
	r.issue(w, s, "")
}

func (r *Realm) issue(w http.ResponseWriter, s *session, nonce string) {
	life := r.config.AccessLife
	access := r.sign("provider access token", r.claims(s.user, map[string]any{
		"typ": "Bearer", "aud": "account", "scope": s.scope, "sid": s.id, "exp": time.Now().Add(life).Unix(),
	}))
	identity := map[string]any{"typ": "ID", "aud": r.config.ClientID, "sid": s.id, "exp": time.Now().Add(life).Unix()}
	if nonce != "" {
		identity["nonce"] = nonce
	}
	refresh := r.random("provider refresh token")
	r.mu.Lock()
	s.current = refresh
	r.refreshTokens[refresh] = s
	r.accessTokens[access] = accessToken{session: s, expire: time.Now().Add(life)}
	r.mu.Unlock()
	respond(w, http.StatusOK, map[string]any{
		"access_token":       access,
		"id_token":           r.sign("provider ID token", r.claims(s.user, identity)),
		"refresh_token":      refresh,
		"token_type":         "Bearer",
		"expires_in":         int(life.Seconds()),
		"refresh_expires_in": int(time.Until(s.expire).Seconds()),
		"not-before-policy":  0,
		"scope":              s.scope,
	})
}

func (r *Realm) userinfo(w http.ResponseWriter, req *http.Request) {
	token, ok := r.active(strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer "))
	if !ok {
		fail(w, http.StatusUnauthorized, "invalid_token", "Token verification failed")
		return
	}
	respond(w, http.StatusOK, r.claims(token.session.user, nil))
}

func (r *Realm) introspect(w http.ResponseWriter, req *http.Request) {
	if !r.knownClient(req) {
		fail(w, http.StatusUnauthorized, "invalid_request", "Authentication failed.")
		return
	}
	token, ok := r.active(req.PostFormValue("token"))
	if !ok {
		respond(w, http.StatusOK, map[string]any{"active": false})
		return
	}
	respond(w, http.StatusOK, r.claims(token.session.user, map[string]any{
		"active": true, "client_id": r.config.ClientID, "sid": token.session.id, "scope": token.session.scope,
		"exp": token.expire.Unix(),
	}))
}

// revoke takes a token back (RFC 7009), and its session with a refresh token.
func (r *Realm) revoke(w http.ResponseWriter, req *http.Request) {
	if !r.knownClient(req) {
		fail(w, http.StatusUnauthorized, "unauthorized_client", "Invalid client or Invalid client credentials")
		return
	}
	token := req.PostFormValue("token")
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.accessTokens, token)
	if s := r.refreshTokens[token]; s != nil {
		s.ended = true
	}
	w.WriteHeader(http.StatusOK)
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
