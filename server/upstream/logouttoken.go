package upstream

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// logoutEvent is what makes a JWT a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4).
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// LogoutToken says that a provider has ended a session. Subject or SessionID is set, or both.
type LogoutToken struct {
	Issuer    string
	Subject   string // without a session: every session of this person
	SessionID string
	ID        string // the "jti", unique at the issuer
	IssuedAt  time.Time
	Expire    time.Time // from here on ReadLogoutToken refuses the token
}

// ReadLogoutToken implements Provider.
func (p *OIDC) ReadLogoutToken(ctx context.Context, raw secret.Text) (LogoutToken, error) {
	return p.verifier.logoutToken(ctx, raw)
}

// logoutToken verifies a logout token (section 2.6). The type in the header is no more than advised (section 2.4), and
// providers say "JWT"; the event is what no other token of theirs has.
func (v *verifier) logoutToken(ctx context.Context, raw secret.Text) (LogoutToken, error) {
	parsed, err := parseJWT(raw)
	if err != nil {
		return LogoutToken{}, newError(KindInvalidToken, "logout token: %w", err)
	}
	if !parsed.hasType("jwt", "logout+jwt") {
		return LogoutToken{}, newError(KindInvalidToken, "logout token has the type of another token")
	}
	claims, err := v.signed(ctx, parsed)
	if err != nil {
		return LogoutToken{}, err
	}
	if issuer, err := claims.text("iss"); err != nil || issuer != v.issuer {
		return LogoutToken{}, newError(KindInvalidToken, "logout token has another issuer")
	}
	if !v.isAudience(claims) {
		return LogoutToken{}, newError(KindInvalidToken, "logout token is not for this client alone")
	}
	if !isLogoutEvent(claims) {
		return LogoutToken{}, newError(KindInvalidToken, "token is not about a logout")
	}
	token, err := readLogout(v.issuer, claims)
	if err != nil {
		return LogoutToken{}, err
	}
	return v.inTime(token, claims)
}

// isLogoutEvent tells a logout token from an ID token, which must not pass for one and may have a nonce. Keycloak can put
// revoke_offline_access beside the event.
func isLogoutEvent(claims object) bool {
	events, err := parseObject(claims["events"])
	if err != nil {
		return false
	}
	_, err = parseObject(events[logoutEvent])
	_, nonce := claims["nonce"]
	return err == nil && !nonce
}

// readLogout takes whose session has ended.
func readLogout(issuer string, claims object) (LogoutToken, error) {
	token := LogoutToken{Issuer: issuer}
	for _, field := range []struct {
		name  string
		to    *string
		valid func(string) bool
	}{
		{"sub", &token.Subject, validSubject},
		{"sid", &token.SessionID, isClean},
		{"jti", &token.ID, isClean},
	} {
		value, err := claims.text(field.name)
		if err != nil || claims.has(field.name) && (value == "" || !field.valid(value)) {
			return LogoutToken{}, newError(KindInvalidToken, "logout token: %s is malformed", field.name)
		}
		*field.to = value
	}
	if token.Subject == "" && token.SessionID == "" {
		return LogoutToken{}, newError(KindInvalidToken, "logout token names neither a subject nor a session")
	}
	if token.ID == "" {
		return LogoutToken{}, newError(KindInvalidToken, "logout token has no id")
	}
	return token, nil
}

// inTime completes a token with its times, or refuses it. An old one is refused even when it has not expired: by then
// the person may have logged in again.
func (v *verifier) inTime(token LogoutToken, claims object) (LogoutToken, error) {
	issued, err := claims.date("iat")
	if err != nil || issued.IsZero() || issued.After(v.now().Add(leeway)) {
		return LogoutToken{}, newError(KindInvalidToken, "logout token is from the future or has no valid time of issue")
	}
	expiry, err := claims.date("exp")
	if err != nil {
		return LogoutToken{}, newError(KindInvalidToken, "logout token has no valid expiry")
	}
	token.IssuedAt, token.Expire = issued, issued.Add(v.logoutAge)
	if end := expiry.Add(leeway); claims.has("exp") && end.Before(token.Expire) {
		token.Expire = end
	}
	if !v.now().Before(token.Expire) {
		return LogoutToken{}, newError(KindInvalidToken, "logout token has expired")
	}
	if notBefore, err := claims.date("nbf"); err != nil || notBefore.After(v.now().Add(leeway)) {
		return LogoutToken{}, newError(KindInvalidToken, "logout token is not valid yet")
	}
	return token, nil
}
