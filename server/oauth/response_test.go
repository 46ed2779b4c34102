package oauth_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
)

func TestWithResponseKeepsTheRegisteredURIAndAddsTheParameters(t *testing.T) {
	tests := []struct{ registered, want string }{
		{"https://app.example/cb", "https://app.example/cb?code=c&state=s"},
		{"https://app.example", "https://app.example?code=c&state=s"},
		{"https://app.example/cb?", "https://app.example/cb?code=c&state=s"},
		{"https://app.example/cb?tenant=a%2Fb", "https://app.example/cb?tenant=a%2Fb&code=c&state=s"},
		{"https://app.example/cb?tenant=a&", "https://app.example/cb?tenant=a&code=c&state=s"},
		{"https://app.example/cb?a+b=%7e&C", "https://app.example/cb?a+b=%7e&C&code=c&state=s"},
		{"https://app.example/cb%23", "https://app.example/cb%23?code=c&state=s"},
		{"http://127.0.0.1:33418", "http://127.0.0.1:33418?code=c&state=s"},
		{"com.example.app:/oauth2redirect", "com.example.app:/oauth2redirect?code=c&state=s"},
		{"raycast://oauth?package_name=X", "raycast://oauth?package_name=X&code=c&state=s"},
	}
	for _, tt := range tests {
		got := mustRedirect(t, tt.registered).WithResponse(oauth.Param{"code", "c"}, oauth.Param{"state", "s"})
		if got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestWithResponseEncodesValues(t *testing.T) {
	r := mustRedirect(t, "https://app.example/cb")
	got := r.WithResponse(
		oauth.Param{"state", "a b+c&code=x#y%é\r\n"},
		oauth.Param{"iss", "https://auth.example"},
		oauth.Param{"error_description", ""},
	)
	want := "https://app.example/cb?state=a%20b%2Bc%26code%3Dx%23y%25%C3%A9%0D%0A&iss=https%3A%2F%2Fauth.example&error_description="
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestWithResponseWithoutParametersChangesNothing(t *testing.T) {
	if got := mustRedirect(t, "https://app.example/cb?").WithResponse(); got != "https://app.example/cb?" {
		t.Errorf("got %q", got)
	}
}

// checkResponse demands that a client which parses the response finds exactly one of each parameter, at the place
// that was registered.
func checkResponse(t *testing.T, r oauth.RedirectURI, registered browserURL, value string) {
	t.Helper()
	names := []string{"code", "state", "iss"}
	var params []oauth.Param
	for _, name := range names {
		params = append(params, oauth.Param{Name: name, Value: value})
	}
	response := r.WithResponse(params...)
	seen, ok := parseLikeBrowser(response)
	if !ok || !strings.HasPrefix(response, r.String()) || !strings.HasPrefix(seen.query, registered.query) {
		t.Fatalf("%q became %q", r, response)
	}
	query := seen.query
	seen.query, registered.query = "", ""
	if seen != registered {
		t.Fatalf("%q leads to %+v, registered was %+v", response, seen, registered)
	}
	found := map[string][]string{}
	for pair := range strings.SplitSeq(strings.TrimPrefix(query, "?"), "&") {
		name, encoded, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(name)
		decoded, valueErr := url.QueryUnescape(encoded)
		if nameErr != nil || valueErr != nil {
			t.Fatalf("%q has the undecodable parameter %q", response, pair)
		}
		found[strings.ToLower(name)] = append(found[strings.ToLower(name)], decoded)
	}
	for _, name := range names {
		if values := found[name]; len(values) != 1 || values[0] != value {
			t.Fatalf("%q: %s is %q, want once %q", response, name, values, value)
		}
	}
	for _, name := range []string{"error", "error_description", "error_uri", "access_token", "id_token", "response"} {
		if found[name] != nil {
			t.Fatalf("%q has %s", response, name)
		}
	}
}
