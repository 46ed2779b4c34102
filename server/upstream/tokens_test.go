package upstream_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

func TestTokensSurviveStorage(t *testing.T) {
	for name, want := range map[string]upstream.Tokens{
		"all": {
			AccessToken: secret.NewText("a"), RefreshToken: secret.NewText("r"), IDToken: secret.NewText("i"),
			Scope: "openid email", AccessExpireTime: start, RefreshExpireTime: start.Add(time.Hour),
		},
		"without ends": {AccessToken: secret.NewText("a")},
		"none":         {},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := want.Encode()
			if err != nil {
				t.Fatal(err)
			}
			got, err := upstream.DecodeTokens(data)
			if err != nil {
				t.Fatal(err)
			}
			if !got.AccessToken.Equal(want.AccessToken) || !got.RefreshToken.Equal(want.RefreshToken) ||
				!got.IDToken.Equal(want.IDToken) || got.Scope != want.Scope ||
				!got.AccessExpireTime.Equal(want.AccessExpireTime) || !got.RefreshExpireTime.Equal(want.RefreshExpireTime) ||
				got.RefreshExpireTime.IsZero() != want.RefreshExpireTime.IsZero() {
				t.Errorf("tokens changed: %s", data)
			}
		})
	}
}

func TestStoredTokensThatAreNoneAreAnErrorThatQuotesNothing(t *testing.T) {
	for _, data := range []string{"", "null", "hunter2", `{"v":2,"access_token":"hunter2"}`, `{"v":1,"access_token":["hunter2"]}`} {
		_, err := upstream.DecodeTokens([]byte(data))
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", data, err)
		}
	}
}

func TestTokensDoNotPrint(t *testing.T) {
	tokens := upstream.Tokens{AccessToken: secret.NewText("hunter2")}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, tokens); strings.Contains(text, "hunter2") {
			t.Errorf("%s: %s", format, text)
		}
	}
}

func TestKindOfAnErrorOfUnknownOriginIsNoVerdict(t *testing.T) {
	if got := upstream.KindOf(errors.New("x")); got != upstream.KindUnavailable {
		t.Errorf("kind %q", got)
	}
	if got := upstream.KindOf(nil); got != "" {
		t.Errorf("kind of nil %q", got)
	}
	wrapped := fmt.Errorf("outer: %w", &upstream.Error{Kind: upstream.KindGarbage})
	if got := upstream.KindOf(wrapped); got != upstream.KindGarbage {
		t.Errorf("kind of a wrapped error %q", got)
	}
}
