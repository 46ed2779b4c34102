package upstreamtest

import (
	"crypto/rand"
	"net/http"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// accessToken is what the provider knows of one that it gave out.
type accessToken struct {
	session   *session
	expire    time.Time
	forOthers bool // we are not its audience
	revoked   bool
}

// over reports whether a session gives nothing any more.
func (f *FakeIdP) over(s *session) bool { return s.ended || f.users[s.user].Disabled }

func (f *FakeIdP) active(token *accessToken) bool {
	return !token.revoked && !f.over(token.session) && f.now().Before(token.expire)
}

// LogOut ends all sessions of a user.
func (f *FakeIdP) LogOut(login string) {
	f.endSessions(func(s *session) bool { return s.user == login })
}

// EndSession ends one session: its access tokens are not active any more, and its refresh token is an invalid grant.
func (f *FakeIdP) EndSession(sessionID string) {
	f.endSessions(func(s *session) bool { return s.id == sessionID })
}

func (f *FakeIdP) endSessions(selected func(*session) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.refreshTokens {
		if selected(s) {
			s.ended = true
		}
	}
}

// LogoutToken returns what the provider would post to a client when a session ends (OpenID Connect Back-Channel Logout
// 1.0 section 2.4), in the form that Keycloak has. It names the user with this login and the session, whichever is not
// empty. Edits change it before it is signed.
func (f *FakeIdP) LogoutToken(login, sessionID string, edits ...func(*Draft)) secret.Text {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	claims := map[string]any{
		"iss": f.Issuer(), "aud": clientID, "typ": "Logout", "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	if login != "" {
		claims["sub"] = f.users[login].Subject
	}
	if sessionID != "" {
		claims["sid"] = sessionID
	}
	draft := f.keys[len(f.keys)-1].draft("logout+jwt", claims)
	for _, edit := range edits {
		edit(draft)
	}
	return secret.NewText(draft.Token())
}

// serveIntrospection answers about access tokens (RFC 7662 section 2).
func (f *FakeIdP) serveIntrospection(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.accepts(w, r) {
		return
	}
	document := map[string]any{"active": false}
	if token, ok := f.accessTokens[r.PostFormValue("token")]; ok && f.active(token) && !token.forOthers {
		user := f.users[token.session.user]
		document = map[string]any{
			"active": true, "iss": f.Issuer(), "sub": user.Subject, "username": user.Login, "client_id": clientID,
			"azp": clientID, "sid": token.session.id, "scope": token.session.scope, "token_type": "Bearer",
			"exp": token.expire.Unix(),
		}
	}
	f.edits.apply(f.edits.introspection, document)
	writeJSON(w, http.StatusOK, document)
}

// serveRevocation takes back tokens (RFC 7009 section 2). With a refresh token goes the whole session; one that is not
// known is no error.
func (f *FakeIdP) serveRevocation(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.accepts(w, r) {
		return
	}
	presented := r.PostFormValue("token")
	if s, ok := f.refreshTokens[presented]; ok {
		s.ended = true
		f.revocations[presented]++
	}
	if token, ok := f.accessTokens[presented]; ok {
		token.revoked = true
		f.revocations[presented]++
	}
	w.WriteHeader(http.StatusOK)
}

// accepts refuses what is no form of our client.
func (f *FakeIdP) accepts(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodPost {
		writeError(w, http.StatusMethodNotAllowed, "invalid_request")
		return false
	}
	if !f.authenticated(r) {
		writeError(w, http.StatusUnauthorized, "invalid_client")
		return false
	}
	return true
}
