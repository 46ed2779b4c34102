package page

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

func fullRequest() url.Values {
	return url.Values{
		"client_id":             {"client-1"},
		"redirect_uri":          {"http://localhost:53122/callback"},
		"response_type":         {"code"},
		"response_mode":         {"query"},
		"code_challenge":        {strings.Repeat("c", 43)},
		"code_challenge_method": {"S256"},
		"state":                 {"a b+c;d&e=ü\r\n"},
		"scope":                 {"mcp:read offline_access"},
		"resource":              {"https://mcp.example.com/mcp"},
		"prompt":                {"consent"},
	}
}

func post(t *testing.T, target, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func TestAuthorizeSendsTheRequestToTheCoreAndTheBrowserToConsent(t *testing.T) {
	want := &gatehousev1.BeginAuthorizationRequest{
		ClientId:            "client-1",
		RedirectUri:         new("http://localhost:53122/callback"),
		ResponseType:        "code",
		ResponseMode:        "query",
		CodeChallenge:       strings.Repeat("c", 43),
		CodeChallengeMethod: "S256",
		State:               new("a b+c;d&e=ü\r\n"),
		Scope:               new("mcp:read offline_access"),
		Resources:           []string{"https://mcp.example.com/mcp"},
		Prompt:              "consent",
	}
	for name, r := range map[string]*http.Request{
		"GET":  httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/authorize?"+fullRequest().Encode(), nil),
		"POST": post(t, "/authorize", fullRequest().Encode()),
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			res := s.serve(r)
			if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/consent?txn=client-1" {
				t.Errorf("status %d, Location %q", res.StatusCode, res.Header.Get("Location"))
			}
			if len(res.Cookies()) != 0 {
				t.Errorf("cookies %v", res.Cookies())
			}
			if diff := cmp.Diff([]*gatehousev1.BeginAuthorizationRequest{want}, s.begun, protocmp.Transform()); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAuthorizeKeepsAbsentParametersAbsent(t *testing.T) {
	for _, query := range []string{"client_id=x", "client_id=x&state=&scope=&redirect_uri=&resource="} {
		s := newSite(t)
		s.get(t, "/authorize?"+query)
		want := &gatehousev1.BeginAuthorizationRequest{ClientId: "x"}
		if diff := cmp.Diff(want, s.begun[0], protocmp.Transform()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

// threats: authz-param-dup
func TestAuthorizeReportsRepeatedParametersAndPassesOnNoneOfTheirValues(t *testing.T) {
	for _, name := range singleParameters() {
		again := name + "=again"
		for place, r := range map[string]*http.Request{
			"query": httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/authorize?"+name+"=once&"+again, nil),
			"body":  post(t, "/authorize", name+"=once&"+again),
			"both":  post(t, "/authorize?"+again, name+"=once"),
			"empty": httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/authorize?"+name+"=&"+again, nil),
		} {
			t.Run(name+" in "+place, func(t *testing.T) {
				s := newSite(t)
				s.serve(r)
				want := &gatehousev1.BeginAuthorizationRequest{
					RepeatedParameters: []string{name},
					RequestObject:      name == "request" || name == "request_uri",
				}
				if diff := cmp.Diff(want, s.begun[0], protocmp.Transform()); diff != "" {
					t.Errorf("request (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestAuthorizeReadsOnlyWhatItKnowsAndOnlyWhereItBelongs(t *testing.T) {
	for name, test := range map[string]struct {
		r    *http.Request
		want *gatehousev1.BeginAuthorizationRequest
	}{
		"other spellings are other parameters": {
			httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/authorize?Client_ID=x&redirect_uri[]=y&login_hint=z", nil),
			&gatehousev1.BeginAuthorizationRequest{},
		},
		"a semicolon separates nothing": {
			httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/authorize?client_id=x;client_id=y", nil),
			&gatehousev1.BeginAuthorizationRequest{ClientId: "x;client_id=y"},
		},
		"the query of a POST counts for nothing": {
			post(t, "/authorize?redirect_uri=https://evil.example/&state=s", "client_id=x"),
			&gatehousev1.BeginAuthorizationRequest{ClientId: "x"},
		},
		"several resources are several": {
			httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/authorize?resource=a&resource=b", nil),
			&gatehousev1.BeginAuthorizationRequest{Resources: []string{"a", "b"}},
		},
		"a request object is only noted": {
			httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/authorize?request_uri=http://169.254.169.254/", nil),
			&gatehousev1.BeginAuthorizationRequest{RequestObject: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.serve(test.r)
			if diff := cmp.Diff(test.want, s.begun[0], protocmp.Transform()); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

// threats: authz-method-cache
func TestAuthorizeCreatesNothingForMachines(t *testing.T) {
	target := "/authorize?" + fullRequest().Encode()
	for name, test := range map[string]struct {
		method, header, value string
		status                int
	}{
		"HEAD":           {http.MethodHead, "", "", http.StatusMethodNotAllowed},
		"PUT":            {http.MethodPut, "", "", http.StatusMethodNotAllowed},
		"OPTIONS":        {http.MethodOptions, "", "", http.StatusMethodNotAllowed},
		"prefetch":       {http.MethodGet, "Sec-Purpose", "prefetch", http.StatusForbidden},
		"prerender":      {http.MethodGet, "Sec-Purpose", "prefetch;prerender", http.StatusForbidden},
		"older prefetch": {http.MethodGet, "Purpose", "prefetch", http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			r := httptest.NewRequestWithContext(t.Context(), test.method, target, nil)
			if test.header != "" {
				r.Header.Set(test.header, test.value)
			}
			res := s.serve(r)
			if res.StatusCode != test.status || s.calls() != 0 || len(res.Cookies()) != 0 {
				t.Errorf("status %d, %d calls, cookies %v", res.StatusCode, s.calls(), res.Cookies())
			}
			if got := res.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control %q", got)
			}
			if test.status == http.StatusMethodNotAllowed && res.Header.Get("Allow") != "GET, POST" {
				t.Errorf("Allow %q", res.Header.Get("Allow"))
			}
		})
	}
}

func TestAuthorizeRefusesWhatItCannotRead(t *testing.T) {
	long := strings.Repeat("x", maxRequest)
	for name, test := range map[string]struct {
		r      *http.Request
		status int
	}{
		"bad escape":   {httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/authorize?state=%zz", nil), http.StatusBadRequest},
		"not UTF-8":    {httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/authorize?state=%ff", nil), http.StatusBadRequest},
		"long URL":     {httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/authorize?state="+long, nil), http.StatusRequestURITooLong},
		"long body":    {post(t, "/authorize", "state="+long), http.StatusRequestEntityTooLarge},
		"no form":      {httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/authorize", strings.NewReader("{}")), http.StatusUnsupportedMediaType},
		"bad POST URL": {post(t, "/authorize?x=%zz", "client_id=x"), http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			res := s.serve(test.r)
			parseHTML(t, res)
			if res.StatusCode != test.status || s.calls() != 0 {
				t.Errorf("status %d, %d calls", res.StatusCode, s.calls())
			}
		})
	}
}

// threats: authz-error-open-redirect
func TestAuthorizeRedirectsAnErrorOnlyWhenTheCoreSaysSo(t *testing.T) {
	to := &gatehousev1.ClientRedirect{
		Uri:              "https://app.example.org/cb?error=invalid_scope&state=s&iss=x",
		Destination:      "app.example.org",
		Error:            "invalid_scope",
		ErrorDescription: "The scope is not known.",
	}
	s := newSite(t)
	s.begin = func(*gatehousev1.BeginAuthorizationRequest) (*gatehousev1.BeginAuthorizationResponse, error) {
		return refused(to), nil
	}

	res := s.get(t, "/authorize?client_id=x")
	doc := parseHTML(t, res)
	if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" || doc.refresh() != "" {
		t.Errorf("status %d, Location %q, refresh %q", res.StatusCode, res.Header.Get("Location"), doc.refresh())
	}
	if got := doc.attribute("return-link", "href"); got != to.GetUri() {
		t.Errorf("button leads to %q", got)
	}
	if doc.text("destination") != "app.example.org" || doc.text("text") != "The scope is not known." ||
		doc.text("error-code") != "invalid_scope" {
		t.Errorf("page says %q, %q, %q", doc.text("destination"), doc.text("text"), doc.text("error-code"))
	}

	to.Automatic = true
	res = s.get(t, "/authorize?client_id=x")
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != to.GetUri() {
		t.Errorf("automatic: status %d, Location %q", res.StatusCode, res.Header.Get("Location"))
	}
}

// threats: authz-client-oracle, authz-redirect-unvalidated
func TestAuthorizeShowsOnePageForUnknownClientsAndForeignRedirects(t *testing.T) {
	var pages []string
	for _, reason := range []string{"invalid_client", "invalid_redirect_uri"} {
		s := newSite(t)
		s.begin = func(*gatehousev1.BeginAuthorizationRequest) (*gatehousev1.BeginAuthorizationResponse, error) {
			return nil, coreError(codes.InvalidArgument, reason)
		}
		res := s.get(t, "/authorize?"+fullRequest().Encode())
		if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" || len(res.Cookies()) != 0 {
			t.Errorf("%s: status %d, %v", reason, res.StatusCode, res.Header)
		}
		pages = append(pages, res.Body)
	}
	if pages[0] != pages[1] {
		t.Error("the two pages differ")
	}
	if !strings.Contains(pages[0], "remove this server and add it again") {
		t.Error("the page does not say what helps")
	}
}

func FuzzAuthorizeQuery(f *testing.F) {
	for _, seed := range []string{
		fullRequest().Encode(), "", "&&=&", "client_id=a&client_id=b", "a=%zz", "state=%ff", "resource=&resource=x",
		"request_uri", "client_id=x;client_id=y", "%63lient_id=x&client_id=y", "=client_id", "state=+%2B",
	} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, body, query string) {
		b, errBody := parseForm(body)
		q, errQuery := parseForm(query)
		if errBody != nil || errQuery != nil {
			t.Skip()
		}
		request := beginRequest(b, q)
		if _, err := proto.Marshal(request); err != nil {
			t.Errorf("the core cannot be told: %v", err)
		}
		if !utf8.ValidString(request.GetState()) || request.State != nil && request.GetState() == "" {
			t.Errorf("state %q", request.GetState())
		}
		for _, name := range request.GetRepeatedParameters() {
			if !slices.Contains(singleParameters(), name) {
				t.Errorf("repeated %q is not a known parameter", name)
			}
			field := request.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(name))
			if field != nil && request.ProtoReflect().Has(field) {
				t.Errorf("repeated %q has a value", name)
			}
		}
		standard, err := url.ParseQuery(body)
		if err == nil && len(standard["state"]) == 1 && len(q["state"]) == 0 && standard.Get("state") != request.GetState() {
			t.Errorf("state %q read as %q", standard.Get("state"), request.GetState())
		}
	})
}
