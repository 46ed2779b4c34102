package realm

import (
	"crypto/rand"
	"slices"
	"time"
)

// session is what a login became.
type session struct {
	id      string // the "sid"
	user    User
	scope   string
	current string // the refresh token that is good
	expire  time.Time
	ended   bool
}

// accessToken is what the realm knows of one that it gave out.
type accessToken struct {
	session *session
	expire  time.Time
}

// Renewals returns how many refresh tokens were accepted.
func (r *Realm) Renewals() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.renewals
}

// Replays returns how many refresh tokens were presented after they were spent. Each of them ended its session.
func (r *Realm) Replays() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.replays
}

// LogOut ends every session of a user, as an administrator would, and returns the logout token that the realm would
// post for each of them (OpenID Connect Back-Channel Logout 1.0 section 2.4). Posting them is left to the test.
func (r *Realm) LogOut(username string) (logoutTokens []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for token, s := range r.refreshTokens {
		if s.user.Username != username || s.ended || token != s.current {
			continue
		}
		s.ended = true
		logoutTokens = append(logoutTokens, r.logoutToken(s.user, s.id))
	}
	return logoutTokens
}

// LogoutToken returns a logout token about a user, though no session of theirs has ended.
func (r *Realm) LogoutToken(username string) string { return r.logoutToken(r.user(username), "") }

// Subject is the "sub" of a user.
func (r *Realm) Subject(username string) string { return r.user(username).Subject }

func (r *Realm) user(username string) User {
	return r.config.Users[slices.IndexFunc(r.config.Users, func(u User) bool { return u.Username == username })]
}

func (r *Realm) logoutToken(user User, sessionID string) string {
	claims := map[string]any{
		"iss": r.Issuer(), "aud": r.config.ClientID, "typ": "Logout", "jti": rand.Text(), "sub": user.Subject,
		"iat": time.Now().Unix(), "exp": time.Now().Add(2 * time.Minute).Unix(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	if sessionID != "" {
		claims["sid"] = sessionID
	}
	return r.sign("logout token", claims)
}

// renew spends a refresh token and returns its session, or nil when it is not good.
func (r *Realm) renew(refreshToken string) *session {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.refreshTokens[refreshToken]
	if s == nil {
		return nil
	}
	if refreshToken != s.current {
		r.replays++
		s.ended = true // a thief has it, or a client that presents it twice
	}
	if s.ended || time.Now().After(s.expire) {
		return nil
	}
	s.current = ""
	r.renewals++
	return s
}

// active looks an access token up.
func (r *Realm) active(token string) (accessToken, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	found, ok := r.accessTokens[token]
	return found, ok && !found.session.ended && time.Now().Before(found.expire)
}
