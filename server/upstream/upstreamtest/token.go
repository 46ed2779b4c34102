package upstreamtest

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"maps"
	"net/http"
	"net/url"
	"time"
)

// session is what a code became. It ends when somebody ends it, or when a spent credential comes back.
type session struct {
	*browserSession
	user    string
	scope   string
	nonce   string
	current string // the refresh token that is good
}

// browserSession is what logins in one browser have in common, and what ends with any of them.
type browserSession struct {
	id    string // the "sid"
	ended bool
}

func (f *FakeIdP) serveToken(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.accepts(w, r) {
		return
	}
	switch r.PostFormValue("grant_type") {
	case "authorization_code":
		f.redeem(w, r)
	case "refresh_token":
		f.renew(w, r)
	default:
		writeError(w, http.StatusBadRequest, "unsupported_grant_type")
	}
}

// authenticated accepts client_secret_basic, encoded as RFC 6749 section 2.3.1 asks, and client_secret_post.
func (f *FakeIdP) authenticated(r *http.Request) bool {
	id, password, ok := r.BasicAuth()
	if !ok {
		return r.PostFormValue("client_id") == clientID && r.PostFormValue("client_secret") == f.secret
	}
	id, errID := url.QueryUnescape(id)
	password, errPassword := url.QueryUnescape(password)
	return errID == nil && errPassword == nil && id == clientID && password == f.secret
}

func (f *FakeIdP) redeem(w http.ResponseWriter, r *http.Request) {
	l, ok := f.codes[r.PostFormValue("code")]
	if !ok {
		writeError(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	if l.redeemed {
		if l.session != nil {
			l.session.ended = true
		}
		writeError(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	l.redeemed = true
	digest := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if l.challenge != "" && l.challenge != encode(digest[:]) || l.redirectURI != r.PostFormValue("redirect_uri") {
		writeError(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	l.session = &session{browserSession: f.browserSession(l.user), user: l.user, scope: l.scope, nonce: l.nonce}
	f.answer(w, l.session, f.newRefreshToken(l.session))
}

// browserSession returns the session of a new login.
func (f *FakeIdP) browserSession(user string) *browserSession {
	standing := f.browsers[user]
	if !f.settings.OneSession || standing == nil || standing.ended {
		standing = &browserSession{id: "fake-session-" + rand.Text()}
		f.browsers[user] = standing
	}
	return standing
}

func (f *FakeIdP) renew(w http.ResponseWriter, r *http.Request) {
	presented := r.PostFormValue("refresh_token")
	s, ok := f.refreshTokens[presented]
	if ok && presented != s.current {
		s.ended = true // theft, or a client that presents twice
	}
	if !ok || f.over(s) {
		writeError(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	f.renewals++
	s.nonce = "" // OpenID Connect Core section 12.2
	switch f.settings.Rotation {
	case RotateStrict:
		f.answer(w, s, f.newRefreshToken(s))
	case Repeat:
		f.answer(w, s, s.current)
	case Omit:
		f.answer(w, s, "")
	}
}

func (f *FakeIdP) newRefreshToken(s *session) string {
	s.current = "fake-refresh-" + rand.Text()
	f.refreshTokens[s.current] = s
	return s.current
}

// answer writes a token response.
func (f *FakeIdP) answer(w http.ResponseWriter, s *session, refreshToken string) {
	access := f.newAccessToken(s)
	f.accessTokens[access] = &accessToken{
		session: s, expire: f.now().Add(f.settings.AccessLifetime), forOthers: f.settings.OtherAudience,
	}
	response := map[string]any{
		"access_token": access,
		"token_type":   "Bearer",
		"expires_in":   int(f.settings.AccessLifetime / time.Second),
		"id_token":     f.idToken(s, access),
		"scope":        s.scope,
	}
	if refreshToken != "" {
		response["refresh_token"] = refreshToken
		response["refresh_expires_in"] = int(f.settings.RefreshLifetime / time.Second)
	}
	f.edits.apply(f.edits.tokenResponse, response)
	writeJSON(w, http.StatusOK, response)
}

func (f *FakeIdP) newAccessToken(s *session) string {
	if f.settings.Opaque {
		return "fake-access-" + rand.Text()
	}
	now, audience := f.now(), []string{clientID, "account"}
	if f.settings.OtherAudience {
		audience = []string{"account"}
	}
	draft := f.keys[len(f.keys)-1].draft("JWT", map[string]any{
		"iss": f.Issuer(), "sub": f.users[s.user].Subject, "aud": audience, "azp": clientID, "typ": "Bearer",
		"sid": s.id, "iat": now.Unix(), "exp": now.Add(f.settings.AccessLifetime).Unix(), "jti": rand.Text(), "scope": s.scope,
	})
	if f.edits.accessToken != nil {
		f.edits.accessToken(draft)
	}
	return draft.Token()
}

func (f *FakeIdP) idToken(s *session, accessToken string) string {
	now, user, key := f.now(), f.users[s.user], f.keys[len(f.keys)-1]
	claims := map[string]any{
		"iss": f.Issuer(), "sub": user.Subject, "aud": clientID, "azp": clientID, "typ": "ID",
		"sid": s.id, "iat": now.Unix(), "exp": now.Add(f.settings.AccessLifetime).Unix(), "auth_time": now.Unix(),
		"at_hash": accessTokenHash(key.Algorithm, accessToken),
	}
	if !f.settings.SparseIDToken {
		maps.Copy(claims, user.profile())
	}
	if s.nonce != "" {
		claims["nonce"] = s.nonce
	}
	draft := key.draft("JWT", claims)
	if f.edits.idToken != nil {
		f.edits.idToken(draft)
	}
	return draft.Token()
}

// accessTokenHash is at_hash of OpenID Connect Core section 3.1.3.6.
func accessTokenHash(algorithm, accessToken string) string {
	if algorithm == "EdDSA" {
		sum := sha512.Sum512([]byte(accessToken))
		return encode(sum[:32])
	}
	sum := sha256.Sum256([]byte(accessToken))
	return encode(sum[:16])
}
