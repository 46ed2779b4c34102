package upstream

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// FuzzLogoutToken: without the private key of the test nobody makes a token that is accepted, and with it only claims
// that pass every check are.
func FuzzLogoutToken(f *testing.F) {
	public, private := testKey()
	v := testVerifier(f, public)
	good := `{"iss":"https://idp.example.com","aud":"c","sub":"alice","sid":"s","jti":"j","iat":1788264000,"exp":1788264120,` +
		`"events":{"http://schemas.openid.net/event/backchannel-logout":{}}}`
	genuine := sign(f, []byte(good), private)
	if _, err := v.logoutToken(f.Context(), secret.NewText(genuine)); err != nil {
		f.Fatalf("the genuine token: %v", err)
	}
	parts := strings.Split(genuine, ".")
	f.Add(segment.EncodeToString([]byte(`{"alg":"none"}`))+"."+parts[1]+".", []byte(good))
	f.Add(segment.EncodeToString([]byte(`{"alg":"HS256","kid":"good"}`))+"."+parts[1]+"."+parts[2], []byte(`{}`))
	f.Add(genuine+"=", []byte(strings.Replace(good, `"sub":"alice",`, "", 1)))
	f.Add("..", []byte(strings.Replace(good, `{}`, `null`, 1)))
	f.Add("", []byte(strings.Replace(good, `"jti"`, `"nonce":null,"jti"`, 1)))
	f.Add(parts[0]+".."+parts[2], []byte(strings.Replace(good, `{"http`, `{"a":1,"http`, 1)))
	f.Add("{}", []byte(strings.Replace(good, `1788264000`, `1e308`, 1)))
	f.Fuzz(func(t *testing.T, token string, claims []byte) {
		if token != genuine {
			if got, err := v.logoutToken(t.Context(), secret.NewText(token)); err == nil {
				t.Errorf("accepted %q: %+v", token, got)
			}
		}
		got, err := v.logoutToken(t.Context(), secret.NewText(sign(t, claims, private)))
		if err != nil {
			if KindOf(err) == KindGarbage || got != (LogoutToken{}) {
				t.Errorf("%s: %+v, %v", claims, got, err)
			}
			return
		}
		checkLogoutToken(t, claims, got)
	})
}

func checkLogoutToken(t *testing.T, claims []byte, got LogoutToken) {
	t.Helper()
	var plain, events map[string]json.RawMessage
	if json.Unmarshal(claims, &plain) != nil || json.Unmarshal(plain["events"], &events) != nil {
		t.Fatalf("accepted %s", claims)
	}
	var event map[string]any
	_, nonce := plain["nonce"]
	if json.Unmarshal(events[logoutEvent], &event) != nil || event == nil || nonce {
		t.Errorf("accepted %s", claims)
	}
	if got.Subject == "" && got.SessionID == "" || got.ID == "" || got.Issuer != "https://idp.example.com" {
		t.Errorf("%s became %+v", claims, got)
	}
	if !isClean(got.Subject+got.SessionID) || !isClean(got.ID) {
		t.Errorf("%s became %+v", claims, got)
	}
	if !fuzzTime.Before(got.Expire) || got.Expire.Sub(got.IssuedAt) > 3*time.Minute || got.IssuedAt.After(fuzzTime.Add(leeway)) {
		t.Errorf("%s is good from %v to %v", claims, got.IssuedAt, got.Expire)
	}
}

// FuzzIntrospection: any answer is an error with a kind, and a verdict only by a boolean.
func FuzzIntrospection(f *testing.F) {
	for _, seed := range []string{
		`{"active":true}`, `{"active":false}`, `{"active":"true"}`, `{"active":null}`, `{"Active":true}`,
		`{"active":true,"sub":"alice","client_id":"c","azp":"c"}`, `{"active":true,"sub":"mallory"}`,
		`{"active":true,"active":false}`, `{"error":"invalid_client"}`, `<html>`, ``, `null`, `[true]`,
	} {
		f.Add(200, []byte(seed))
		f.Add(401, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			return
		}
		p, err := NewOIDC(OIDCConfig{
			Name: "fuzz", Issuer: "https://idp.example.com", ClientID: "c", ClientSecret: secret.NewText("s"),
			RedirectURL: "https://mcp.example.com/cb", HTTPClient: &http.Client{Transport: cannedTransport{status, body}},
			Now: func() time.Time { return fuzzTime },
		})
		if err != nil {
			t.Fatal(err)
		}
		err = p.introspect(t.Context(), "https://idp.example.com/introspect", Tokens{AccessToken: secret.NewText("at")})
		var plain map[string]any
		_ = json.Unmarshal(body, &plain)
		active, isBoolean := plain["active"].(bool)
		verdict := status == http.StatusOK && isBoolean
		if err == nil && (!verdict || !active) {
			t.Errorf("%d %q let in", status, body)
		}
		if KindOf(err) == KindNotHeld && (!verdict || active) {
			t.Errorf("%d %q locked out", status, body)
		}
		if KindOf(err) == KindInvalidGrant {
			t.Errorf("%d %q ended a grant", status, body)
		}
	})
}
