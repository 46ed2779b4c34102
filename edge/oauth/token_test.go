package oauth_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

func TestTokenFormReachesTheCoreByTheNamesOfTheRFC(t *testing.T) {
	g := newRig(t, nil)
	for _, tc := range []struct {
		name, body string
		want       *gatehousev1.ExchangeTokenRequest
	}{
		{
			"all that a client sends", "grant_type=authorization_code&code=a%2Bb&redirect_uri=http%3A%2F%2Flocalhost%2Fcb&code_verifier=v&client_id=c&resource=r",
			&gatehousev1.ExchangeTokenRequest{GrantType: "authorization_code", Code: "a+b", RedirectUri: "http://localhost/cb", CodeVerifier: "v", ClientId: "c", Resource: "r"},
		},
		{"plus is a space", "scope=a+b", &gatehousev1.ExchangeTokenRequest{Scope: "a b"}},
		{"empty is absent", "code=&client_id=c", &gatehousev1.ExchangeTokenRequest{ClientId: "c"}},
		{"unknown is ignored, even repeated", "audience=x&audience=y&client_id=c", &gatehousev1.ExchangeTokenRequest{ClientId: "c"}},
		{"other spellings are unknown", "clientId=x&CLIENT_ID=y&client_id[]=z&client_id=c", &gatehousev1.ExchangeTokenRequest{ClientId: "c"}},
		{"nothing at all", "", &gatehousev1.ExchangeTokenRequest{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if w := g.form(tc.body); w.Code != 200 {
				t.Fatalf("status = %d: %s", w.Code, w.Body)
			}
			got, _ := g.core.asked()
			if d := cmp.Diff(proto.Message(tc.want), got, protocmp.Transform()); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestTokenAnswerHasTheFormOfTheRFC(t *testing.T) {
	w := newRig(t, nil).form("grant_type=refresh_token")
	want := map[string]any{"access_token": "at", "token_type": "Bearer", "expires_in": 3600.0, "refresh_token": "rt", "scope": "mcp"}
	if d := cmp.Diff(want, members(t, w)); d != "" {
		t.Error(d)
	}
}

func TestTokenRefusesWhatTwoReadersCouldReadDifferently(t *testing.T) {
	g := newRig(t, nil)
	const form = "application/x-www-form-urlencoded"
	for _, tc := range []struct {
		name, target, contentType, body string
		status                          int
	}{
		{"repeated", "/token", form, "code=a&code=a", 400},
		{"repeated, one empty", "/token", form, "code=&code=a", 400},
		{"repeated resource", "/token", form, "resource=a&resource=b", 400},
		{"bad escape", "/token", form, "code=%zz", 400},
		{"semicolon", "/token", form, "code=a;client_id=b", 400},
		{"not UTF-8", "/token", form, "code=%ff", 400},
		{"65 parameters", "/token", form, strings.Repeat("x=1&", 64) + "code=a", 400},
		{"query", "/token?code=a", form, "", 400},
		{"query beside a body", "/token?client_id=a", form, "client_id=b", 400},
		{"over 64 KB", "/token", form, "code=" + strings.Repeat("a", 64<<10), 413},
		{"JSON", "/token", "application/json", `{"code":"a"}`, 415},
		{"multipart", "/token", "multipart/form-data; boundary=x", "--x--", 415},
		{"text", "/token", "text/plain", "code=a", 415},
		{"no media type", "/token", "", "code=a", 415},
		{"broken media type", "/token", form + "; charset", "code=a", 415},
		{"UTF-16", "/token", form + "; charset=utf-16", "code=a", 415},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var header []string
			if tc.contentType != "" {
				header = []string{"Content-Type", tc.contentType}
			}
			expect(t, g.do("POST", tc.target, tc.body, header...), tc.status, "invalid_request")
			if got, _ := g.core.asked(); got != nil {
				t.Errorf("the core was asked: %v", got)
			}
		})
	}
	t.Run("compressed", func(t *testing.T) {
		expect(t, g.form("code=a", "Content-Encoding", "gzip"), 415, "invalid_request")
	})
	t.Run("two media types", func(t *testing.T) {
		expect(t, g.form("code=a", "Content-Type", "application/json"), 415, "invalid_request")
	})
	t.Run("64 parameters, 64 KB and a charset are fine", func(t *testing.T) {
		body := strings.Repeat("x=1&", 63) + "code="
		body += strings.Repeat("a", 64<<10-len(body))
		if w := g.do("POST", "/token", body, "Content-Type", form+"; charset=UTF-8"); w.Code != 200 {
			t.Errorf("status = %d: %s", w.Code, w.Body)
		}
	})
}

func TestClientCredentialsPassUnchangedAndNothingElseDoes(t *testing.T) {
	g := newRig(t, nil)
	g.form("client_id=c",
		"Authorization", "Basic YTpi",
		"Grpc-Metadata-X-Role", "admin", "Grpc-Metadata-Authorization", "Bearer x", "Grpc-Timeout", "1n",
		"X-Forwarded-Host", "evil.test", "X-Forwarded-For", "9.9.9.9", "X-Request-Id", "mine", "X-Subject", "root",
		"Cookie", "a=b", "X-Token-Bin", "AAAA", "Te", "trailers", "Accept", "application/x-www-form-urlencoded",
		"X-Http-Method-Override", "GET", "Forwarded", "host=evil.test", "User-Agent", "evil")
	_, md := g.core.asked()
	for key := range md {
		if !slices.Contains([]string{":authority", "authorization", "content-type", "grpc-accept-encoding", "user-agent", "x-forwarded-for", "x-request-id"}, key) {
			t.Errorf("metadata %s = %v", key, md[key])
		}
	}
	for key, want := range map[string]string{"authorization": "Basic YTpi", "x-forwarded-for": "192.0.2.1", "x-request-id": "ref1"} {
		if got := md.Get(key); !slices.Equal(got, []string{want}) {
			t.Errorf("metadata %s = %v, want %s", key, got, want)
		}
	}
	if strings.Contains(strings.Join(md.Get("user-agent"), ""), "evil") {
		t.Errorf("user-agent = %v", md.Get("user-agent"))
	}
}

func TestCredentialsThatCannotReachTheCoreAreRefusedAndNotDropped(t *testing.T) {
	g := newRig(t, nil)
	w := g.form("client_id=c", "Authorization", "Basic \xe9\xe9")
	expect(t, w, 401, "invalid_client")
	if got := w.Header().Get("WWW-Authenticate"); !strings.HasPrefix(got, "Basic ") {
		t.Errorf("WWW-Authenticate = %q", got)
	}
	expect(t, g.form("client_id=c", "Authorization", "Basic YTpi", "Authorization", "Basic YTpj"), 400, "invalid_request")
	if got, _ := g.core.asked(); got != nil {
		t.Errorf("the core was asked: %v", got)
	}
}

func TestMetadataOfTheCoreIsNoHeader(t *testing.T) {
	w := newRig(t, nil).form("code=a", "Te", "trailers")
	for name := range w.Header() {
		if strings.HasPrefix(name, "Grpc-") || name == "Trailer" || name == "Transfer-Encoding" {
			t.Errorf("header %s", name)
		}
	}
}

func FuzzTokenForm(f *testing.F) {
	for _, seed := range []string{
		"", "grant_type=authorization_code&code=a&code_verifier=b", "code=a&code=b", "code=%", "code=%ff", "&&&", "=", "a;b",
		"client_id=%00", "grant_type", "\xff=\xff", strings.Repeat("a&", 70),
	} {
		f.Add(seed)
	}
	g := newRig(f, nil)
	f.Fuzz(func(t *testing.T, body string) {
		w := g.form(body)
		if !slices.Contains([]int{http.StatusOK, http.StatusBadRequest, http.StatusRequestEntityTooLarge}, w.Code) {
			t.Fatalf("status = %d: %s", w.Code, w.Body)
		}
		if w.Header().Get("Cache-Control") != "no-store" {
			t.Fatal("the answer may be stored")
		}
		members(t, w)
	})
}
