package oauth_test

import (
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

func TestRegistrationReadsTheMembersOfTheRFCAndNoOthers(t *testing.T) {
	g := newRig(t, nil)
	for _, tc := range []struct {
		name, body string
		want       *gatehousev1.RegisterClientRequest
	}{
		{
			"what clients send", `{"redirect_uris":["http://localhost:1/cb","cursor://x/y"],"client_name":"Cürsor","grant_types":["authorization_code","refresh_token"],"token_endpoint_auth_method":"none","application_type":"native"}`,
			&gatehousev1.RegisterClientRequest{
				RedirectUris: []string{"http://localhost:1/cb", "cursor://x/y"}, ClientName: "Cürsor", TokenEndpointAuthMethod: "none",
				GrantTypes: []string{"authorization_code", "refresh_token"}, ApplicationType: "native",
			},
		},
		{
			"unknown members of any type", `{"client_name#fr":"x","jwks":{"keys":[{"kty":"EC"}]},"software_statement":1,"default_max_age":null,"client_id":"mine","client_secret":"mine","redirect_uris":["https://a.test/cb"]}`,
			&gatehousev1.RegisterClientRequest{RedirectUris: []string{"https://a.test/cb"}},
		},
		{
			"other spellings are unknown members", `{"redirectUris":["https://evil.test"],"Redirect_URIs":["https://evil.test"],"client\u005fname":"a","\u212Aind":1,"\u0063lient_uri":"https://c.test"}`,
			&gatehousev1.RegisterClientRequest{ClientName: "a", ClientUri: "https://c.test"},
		},
		{"null is absent", `{"client_name":null,"redirect_uris":null}`, &gatehousev1.RegisterClientRequest{}},
		{"white space around", " \r\n\t{\"scope\" : \"a b\"}\n ", &gatehousev1.RegisterClientRequest{Scope: "a b"}},
		{"depth 8", `{"x":[[[[[[[]]]]]]]}`, &gatehousev1.RegisterClientRequest{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if w := g.metadata(tc.body); w.Code != 201 {
				t.Fatalf("status = %d: %s", w.Code, w.Body)
			}
			got, _ := g.core.asked()
			if d := cmp.Diff(proto.Message(tc.want), got, protocmp.Transform()); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestRegistrationAnswerHasTheFormOfTheRFC(t *testing.T) {
	w := newRig(t, nil).metadata(`{"redirect_uris":["https://a.test/cb"]}`)
	want := map[string]any{
		"client_id": "c1", "client_secret": "s1", "client_id_issued_at": 1_800_000_000.0,
		"client_secret_expires_at": 0.0, // required beside a secret (RFC 7591 section 3.2.1)
		"redirect_uris":            []any{"https://a.test/cb"},
	}
	if w.Code != 201 {
		t.Errorf("status = %d", w.Code)
	}
	if d := cmp.Diff(want, members(t, w)); d != "" {
		t.Error(d)
	}
}

func malformedMetadata() map[string]string {
	bodies := map[string]string{
		"empty":                  "",
		"white space":            "  ",
		"null":                   "null",
		"number":                 "1",
		"string":                 `"{}"`,
		"array":                  `[{"redirect_uris":[]}]`,
		"cut off":                `{"redirect_uris":["https://a.test"]`,
		"no quotes":              `{redirect_uris:[]}`,
		"single quotes":          `{'scope':'a'}`,
		"comment":                `{} // x`,
		"trailing comma":         `{"scope":"a",}`,
		"trailing data":          `{"scope":"a"} x`,
		"two documents":          `{"scope":"a"}{"scope":"b"}`,
		"byte order mark":        "\ufeff{}",
		"UTF-16":                 "\xff\xfe{\x00}\x00",
		"not UTF-8":              "{\"scope\":\"\xff\"}",
		"not UTF-8, unknown":     "{\"x\":\"\xc3\x28\"}",
		"NUL between":            "{\"scope\"\x00:\"a\"}",
		"control in a string":    "{\"scope\":\"a\nb\"}",
		"half a surrogate pair":  `{"scope":"\ud800"}`,
		"duplicate":              `{"redirect_uris":["https://a.test"],"redirect_uris":["https://b.test"]}`,
		"duplicate, equal":       `{"scope":"a","scope":"a"}`,
		"duplicate, escaped":     `{"scope":"a","sc\u006fpe":"b"}`,
		"duplicate, unknown":     `{"x":1,"x":2}`,
		"duplicate, nested":      `{"jwks":{"keys":[{"kty":"EC","kty":"RSA"}]}}`,
		"duplicate, empty name":  `{"":1,"":2}`,
		"depth 9":                `{"x":[[[[[[[[]]]]]]]]}`,
		"100000 arrays":          strings.Repeat("[", 30000) + strings.Repeat("]", 30000),
		"many elements":          `{"x":[` + strings.Repeat("1,", 600) + `1]}`,
		"float syntax":           `{"x":01}`,
		"redirect_uris a string": `{"redirect_uris":"https://a.test"}`,
		"redirect_uris nested":   `{"redirect_uris":[["https://a.test"]]}`,
		"redirect_uris object":   `{"redirect_uris":{"0":"https://a.test"}}`,
		"redirect_uris null in":  `{"redirect_uris":[null]}`,
		"redirect_uris number":   `{"redirect_uris":[1]}`,
	}
	for _, value := range []string{"1", "true", "[]", `["a"]`, "{}", "1e400"} {
		bodies["client_name "+value] = fmt.Sprintf(`{"client_name":%s}`, value)
		bodies["scope "+value] = fmt.Sprintf(`{"scope":%s}`, value)
	}
	return bodies
}

func TestMalformedRegistrationIsRefused(t *testing.T) {
	g := newRig(t, nil)
	for name, body := range malformedMetadata() {
		t.Run(name, func(t *testing.T) {
			expect(t, g.metadata(body), 400, "invalid_client_metadata")
			if got, _ := g.core.asked(); got != nil {
				t.Errorf("the core was asked: %v", got)
			}
		})
	}
	t.Run("over 64 KB", func(t *testing.T) {
		expect(t, g.metadata(`{"scope":"`+strings.Repeat("a", 64<<10)+`"}`), 413, "invalid_request")
	})
}

// A page of any site may send these without a preflight, from inside of a network that the server trusts.
func TestRegistrationTakesJSONOnly(t *testing.T) {
	g := newRig(t, nil)
	for _, contentType := range []string{
		"text/plain", "multipart/form-data; boundary=x", "", "application/json;charset=utf-16", "application/json/x",
		"application/x-www-form-urlencoded", "text/json", "application/json, text/plain", "*/*",
	} {
		w := g.do("POST", "/register", `{"redirect_uris":["https://a.test/cb"]}`, "Content-Type", contentType)
		expect(t, w, http.StatusUnsupportedMediaType, "invalid_request")
	}
	for _, contentType := range []string{"application/json;charset=UTF-8", "Application/JSON; profile=x"} {
		if w := g.do("POST", "/register", `{"redirect_uris":["https://a.test/cb"]}`, "Content-Type", contentType); w.Code != 201 {
			t.Errorf("%s: status = %d", contentType, w.Code)
		}
	}
}

func TestRegistrationAllocatesLittle(t *testing.T) {
	g := newRig(t, nil)
	g.metadata("{}") // opens the connection
	for name, body := range map[string]string{
		"names":    `{` + strings.TrimSuffix(numbered(`"%d":1,`, 7000), ",") + `}`,
		"elements": `{"redirect_uris":["` + strings.Repeat(`","`, 20000) + `"]}`,
		"objects":  `{"x":[` + strings.Repeat(`{},`, 20000) + `{}]}`,
		"escapes":  `{"scope":"` + strings.Repeat(`\u0041`, 10000) + `"}`,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		g.metadata(body)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
			t.Errorf("%s: %d bytes allocated for a body of %d", name, got, len(body))
		}
	}
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func FuzzRegisterJSON(f *testing.F) {
	for _, body := range malformedMetadata() {
		f.Add(body)
	}
	f.Add(`{"redirect_uris":["http://localhost/cb"],"client_name":"\ud83d\ude00","grant_types":[],"contacts":["a"]}`)
	g := newRig(f, nil)
	f.Fuzz(func(t *testing.T, body string) {
		w := g.metadata(body)
		if !slices.Contains([]int{http.StatusCreated, http.StatusBadRequest, http.StatusRequestEntityTooLarge}, w.Code) {
			t.Fatalf("status = %d: %s", w.Code, w.Body)
		}
		if w.Header().Get("Cache-Control") != "no-store" {
			t.Fatal("the answer may be stored")
		}
		members(t, w)
	})
}
