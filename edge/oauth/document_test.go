package oauth_test

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

func TestDocumentsAreAnsweredWhereClientsLook(t *testing.T) {
	g := newRig(t, nil)
	for path, resource := range map[string]string{
		"/.well-known/oauth-authorization-server":                               "",
		"/.well-known/oauth-authorization-server/":                              "",
		"/.well-known/oauth-authorization-server/mcp":                           "mcp",
		"/.well-known/openid-configuration":                                     "",
		"/.well-known/openid-configuration/mcp":                                 "mcp",
		"/.well-known/oauth-protected-resource":                                 "",
		"/.well-known/oauth-protected-resource/":                                "",
		"/.well-known/oauth-protected-resource/mcp":                             "mcp",
		"/.well-known/oauth-protected-resource/mcp/":                            "mcp",
		"/.well-known/oauth-protected-resource?a=b":                             "",
		"/.well-known/jwks.json":                                                "",
		"/.well-known/jwks.json?resource_path=ignored":                          "",
		"/.well-known/oauth-protected-resource?resource_path=x&resource_path=y": "",
	} {
		t.Run(path, func(t *testing.T) {
			w := g.do("GET", path, "")
			if w.Code != 200 || len(members(t, w)) == 0 {
				t.Errorf("answer = %d %s", w.Code, w.Body)
			}
			if w.Header().Get("Cache-Control") != "public, max-age=300" || w.Header().Get("Vary") != "" {
				t.Errorf("header = %v", w.Header())
			}
			if asked, _ := g.core.asked(); asked != nil {
				if r, ok := asked.(interface{ GetResourcePath() string }); ok && r.GetResourcePath() != resource {
					t.Errorf("resource_path = %q, want %q", r.GetResourcePath(), resource)
				}
			}
		})
	}
}

func TestUnknownDocumentsAreNotFoundAndNeverAFailure(t *testing.T) {
	g := newRig(t, nil)
	for _, path := range []string{
		"/", "/.well-known", "/.well-known/", "/.well-known/openid-federation", "/.well-known/jwks.json/mcp", "/token/", "/TOKEN",
		"/.well-known/oauth-authorization-server/other", "/.well-known/oauth-authorization-server//",
		"/.well-known/oauth-protected-resource/" + strings.Repeat("a", 4000), "/.well-known/oauth-protected-resource/%FF%FE",
		"/.well-known/oauth-protected-resource/%00", "/.well-known/oauth-protected-resource/mcp//", "/.well-known/oauth-protected-resource/../mcp",
		"/.well-known/oauth-protected-resource/mcp:verb",
	} {
		t.Run(path, func(t *testing.T) {
			expect(t, g.do("GET", path, ""), 404, "not_found")
		})
	}
}

func TestKeySetWithoutKeysIsStillAKeySet(t *testing.T) {
	w := newRig(t, nil).do("GET", "/.well-known/jwks.json", "")
	if got := w.Body.String(); got != `{"keys":[]}` {
		t.Errorf("body = %s", got)
	}
}

func TestDocumentsAreTheSameBytesAndRevalidate(t *testing.T) {
	g := newRig(t, nil)
	const path = "/.well-known/oauth-authorization-server"
	first, second := g.do("GET", path, ""), g.do("GET", path, "", "Host", "evil.test", "X-Forwarded-Host", "evil.test")
	if first.Body.String() != second.Body.String() || first.Body.String() != `{"issuer":"http://127.0.0.1:8000","authorization_response_iss_parameter_supported":true}` {
		t.Errorf("bodies differ: %s, %s", first.Body, second.Body)
	}
	tag := first.Header().Get("ETag")
	if w := g.do("GET", path, "", "If-None-Match", `"other", `+tag); w.Code != 304 || w.Body.Len() != 0 {
		t.Errorf("conditional request: %d %s", w.Code, w.Body)
	}
	head := g.do("HEAD", path, "")
	if head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("ETag") != tag || head.Header().Get("Content-Type") != "application/json" {
		t.Errorf("HEAD: %d %v %s", head.Code, head.Header(), head.Body)
	}
	if w := g.do("HEAD", "/.well-known/oauth-protected-resource/x", ""); w.Code != 404 || w.Body.Len() != 0 {
		t.Errorf("HEAD of an unknown document: %d %s", w.Code, w.Body)
	}
}

func TestCredentialsDoNotReachPublicDocuments(t *testing.T) {
	g := newRig(t, nil)
	g.do("GET", "/.well-known/jwks.json", "", "Authorization", "Bearer admin")
	asked, md := g.core.asked()
	if _, ok := asked.(*gatehousev1.GetKeySetRequest); !ok || len(md.Get("authorization")) != 0 {
		t.Errorf("asked %v with %v", asked, md)
	}
}

func TestOutageIsNotCached(t *testing.T) {
	for _, err := range []error{status.Error(codes.Unavailable, "dial tcp 10.0.0.1"), errors.New("boom")} {
		w := newRig(t, err).do("GET", "/.well-known/jwks.json", "")
		if w.Code < 500 || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("ETag") != "" {
			t.Errorf("answer = %d %v", w.Code, w.Header())
		}
	}
}
