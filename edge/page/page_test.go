package page

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

const issuer = "https://mcp.example.com"

// epoch is when the tests take place.
func epoch() time.Time { return time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC) }

// core is an AuthService that answers as it is told and remembers what it was asked.
type core struct {
	accounts

	begin    func(*gatehousev1.BeginAuthorizationRequest) (*gatehousev1.BeginAuthorizationResponse, error)
	consent  func(*gatehousev1.GetConsentRequest) (*gatehousev1.GetConsentResponse, error)
	decide   func(*gatehousev1.DecideConsentRequest) (*gatehousev1.DecideConsentResponse, error)
	complete func(*gatehousev1.CompleteAuthorizationRequest) (*gatehousev1.CompleteAuthorizationResponse, error)

	begun     []*gatehousev1.BeginAuthorizationRequest
	shown     []*gatehousev1.GetConsentRequest
	decided   []*gatehousev1.DecideConsentRequest
	completed []*gatehousev1.CompleteAuthorizationRequest
}

func (c *core) BeginAuthorization(_ context.Context, in *gatehousev1.BeginAuthorizationRequest, _ ...grpc.CallOption) (*gatehousev1.BeginAuthorizationResponse, error) {
	c.begun = append(c.begun, in)
	return c.begin(in)
}

func (c *core) GetConsent(_ context.Context, in *gatehousev1.GetConsentRequest, _ ...grpc.CallOption) (*gatehousev1.GetConsentResponse, error) {
	c.shown = append(c.shown, in)
	return c.consent(in)
}

func (c *core) DecideConsent(_ context.Context, in *gatehousev1.DecideConsentRequest, _ ...grpc.CallOption) (*gatehousev1.DecideConsentResponse, error) {
	c.decided = append(c.decided, in)
	return c.decide(in)
}

func (c *core) CompleteAuthorization(_ context.Context, in *gatehousev1.CompleteAuthorizationRequest, _ ...grpc.CallOption) (*gatehousev1.CompleteAuthorizationResponse, error) {
	c.completed = append(c.completed, in)
	return c.complete(in)
}

// calls counts all calls.
func (c *core) calls() int { return len(c.begun) + len(c.shown) + len(c.decided) + len(c.completed) }

// newCore returns a core in which everything goes well. The handle of a transaction is its client's identifier, and its
// state and binding secret derive from the handle.
func newCore() *core {
	return &core{
		accounts: newAccounts(),
		begin: func(in *gatehousev1.BeginAuthorizationRequest) (*gatehousev1.BeginAuthorizationResponse, error) {
			return &gatehousev1.BeginAuthorizationResponse{Outcome: &gatehousev1.BeginAuthorizationResponse_Consent{
				Consent: &gatehousev1.ConsentPrompt{Handle: in.GetClientId()},
			}}, nil
		},
		consent: func(*gatehousev1.GetConsentRequest) (*gatehousev1.GetConsentResponse, error) {
			return loopbackConsent(), nil
		},
		decide: func(in *gatehousev1.DecideConsentRequest) (*gatehousev1.DecideConsentResponse, error) {
			if in.GetDecision() == gatehousev1.DecideConsentRequest_DECISION_DENY {
				return denied(&gatehousev1.ClientRedirect{
					Uri:         "https://app.example.org/cb?error=access_denied",
					Destination: "app.example.org",
					Error:       "access_denied",
				}), nil
			}
			state := "state-" + in.GetHandle()
			return &gatehousev1.DecideConsentResponse{Outcome: &gatehousev1.DecideConsentResponse_Upstream{
				Upstream: &gatehousev1.UpstreamRedirect{
					Uri:           "https://idp.example.net/auth?client_id=gatehouse&state=" + state,
					State:         state,
					BrowserSecret: "secret-of-" + state,
					ProviderName:  "Keycloak",
					ExpireTime:    timestamppb.New(epoch().Add(10 * time.Minute)),
				},
			}}, nil
		},
		complete: func(in *gatehousev1.CompleteAuthorizationRequest) (*gatehousev1.CompleteAuthorizationResponse, error) {
			if in.GetBrowserSecret() != "secret-of-"+in.GetState() {
				return nil, coreError(codes.PermissionDenied, "wrong_browser")
			}
			if in.GetState() == "state-account" {
				return &gatehousev1.CompleteAuthorizationResponse{Account: &gatehousev1.AccountSession{
					SessionSecret: accountSecret, ExpireTime: timestamppb.New(epoch().Add(30 * time.Minute)),
				}}, nil
			}
			return completed(&gatehousev1.ClientRedirect{
				Uri: "http://localhost:53122/callback?code=c-" + in.GetState() + "&state=s", Destination: "localhost:53122",
			}), nil
		},
	}
}

func loopbackConsent() *gatehousev1.GetConsentResponse {
	return &gatehousev1.GetConsentResponse{
		ClientId:            "client-1",
		ClientName:          "Claude Code",
		ClientOrigin:        gatehousev1.Client_ORIGIN_DYNAMIC,
		ClientCreateTime:    timestamppb.New(epoch().Add(-2 * time.Minute)),
		RedirectUri:         "http://localhost:53122/callback",
		RedirectDestination: "localhost:53122",
		RedirectKind:        gatehousev1.GetConsentResponse_REDIRECT_KIND_LOOPBACK,
		Resource:            "https://mcp.example.com/mcp",
		ResourceName:        "Example Notes",
		Scopes: []*gatehousev1.Scope{
			{Value: "mcp:read", Description: "Read your notes"},
			{Value: "offline_access"},
		},
		ProviderName: "Keycloak",
		ExpireTime:   timestamppb.New(epoch().Add(10 * time.Minute)),
	}
}

func denied(to *gatehousev1.ClientRedirect) *gatehousev1.DecideConsentResponse {
	return &gatehousev1.DecideConsentResponse{Outcome: &gatehousev1.DecideConsentResponse_Redirect{Redirect: to}}
}

func refused(to *gatehousev1.ClientRedirect) *gatehousev1.BeginAuthorizationResponse {
	return &gatehousev1.BeginAuthorizationResponse{Outcome: &gatehousev1.BeginAuthorizationResponse_Redirect{Redirect: to}}
}

func completed(to *gatehousev1.ClientRedirect) *gatehousev1.CompleteAuthorizationResponse {
	return &gatehousev1.CompleteAuthorizationResponse{Redirect: to}
}

// coreError is an error as the core sends it.
func coreError(code codes.Code, reason string) error {
	st, err := status.New(code, "internal canary text").WithDetails(
		&errdetails.ErrorInfo{Domain: "oauth", Reason: reason},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(4500 * time.Millisecond)},
	)
	if err != nil {
		panic(err)
	}
	return st.Err()
}

// site is the pages under test, with their clock and their log.
type site struct {
	*core

	handler http.Handler
	pages   *Pages
	now     time.Time
	log     *bytes.Buffer
}

func newSite(t *testing.T, options ...func(*Deps)) *site {
	t.Helper()
	s := &site{core: newCore(), now: epoch(), log: new(bytes.Buffer)}
	deps := Deps{
		Auth:       s.core,
		Logger:     slog.New(slog.NewJSONHandler(s.log, nil)),
		Issuer:     issuer,
		ServerName: "Example Notes",
		MCPURL:     issuer + "/mcp",
		Secure:     true,
		Random:     rand.Reader,
		Now:        func() time.Time { return s.now },
	}
	for _, option := range options {
		option(&deps)
	}
	pages, err := New(deps)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	pages.Register(mux)
	s.handler, s.pages = mux, pages
	return s
}

func plainHTTP(d *Deps) {
	d.Issuer, d.MCPURL, d.Secure = "http://localhost:8000", "http://localhost:8000/mcp", false
}

// answer is what a request got.
type answer struct {
	StatusCode int
	Header     http.Header
	Body       string
}

// Cookies returns the cookies that the answer sets.
func (a answer) Cookies() []*http.Cookie { return (&http.Response{Header: a.Header}).Cookies() }

func answerOf(w *httptest.ResponseRecorder) answer {
	return answer{StatusCode: w.Code, Header: w.Header(), Body: w.Body.String()}
}

// serve sends one request without any browser's state.
func (s *site) serve(r *http.Request) answer {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return answerOf(w)
}

// get sends a plain GET.
func (s *site) get(t *testing.T, target string) answer {
	t.Helper()
	return s.serve(httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
}

// browser is one browser: it keeps cookies and says where its forms come from.
type browser struct {
	t    *testing.T
	site *site
	jar  *cookiejar.Jar
}

func (s *site) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, site: s, jar: jar}
}

func (b *browser) origin() *url.URL {
	u, err := url.Parse(b.site.pages.origin)
	if err != nil {
		b.t.Fatal(err)
	}
	return u
}

// send adds the cookies, serves the request and keeps the cookies of the answer.
func (b *browser) send(r *http.Request) answer {
	b.t.Helper()
	for _, c := range b.jar.Cookies(b.origin()) {
		r.AddCookie(c)
	}
	res := b.site.serve(r)
	b.jar.SetCookies(b.origin(), res.Cookies())
	return res
}

func (b *browser) get(target string) answer {
	b.t.Helper()
	return b.send(httptest.NewRequestWithContext(b.t.Context(), http.MethodGet, target, nil))
}

// post sends a form as the consent page would.
func (b *browser) post(f url.Values) answer {
	b.t.Helper()
	return b.send(b.form(f))
}

func (b *browser) form(f url.Values) *http.Request { return b.formTo("/consent", f) }

// formTo is a form of this origin.
func (b *browser) formTo(target string, f url.Values) *http.Request {
	r := httptest.NewRequestWithContext(b.t.Context(), http.MethodPost, target, strings.NewReader(f.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", b.site.pages.origin)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

// open shows the consent page and returns its form, answered by an action.
func (b *browser) open(handle, action string) url.Values {
	b.t.Helper()
	doc := parseHTML(b.t, b.get("/consent?txn="+handle))
	return url.Values{"txn": {doc.input("txn")}, "csrf": {doc.input("csrf")}, "action": {action}}
}

// cookies returns the names of the cookies of a purpose that the browser holds.
func (b *browser) cookies(p purpose) []string {
	var names []string
	for _, c := range b.jar.Cookies(b.origin()) {
		if strings.HasPrefix(c.Name, b.site.pages.cookie.prefix(p)) {
			names = append(names, c.Name)
		}
	}
	return names
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	full := Deps{
		Auth: newCore(), Logger: slog.New(slog.DiscardHandler), Issuer: issuer, ServerName: "n", MCPURL: issuer + "/mcp",
		Random: rand.Reader, Now: epoch,
	}
	for name, remove := range map[string]func(*Deps){
		"core":        func(d *Deps) { d.Auth = nil },
		"logger":      func(d *Deps) { d.Logger = nil },
		"randomness":  func(d *Deps) { d.Random = nil },
		"clock":       func(d *Deps) { d.Now = nil },
		"server name": func(d *Deps) { d.ServerName = "" },
		"MCP URL":     func(d *Deps) { d.MCPURL = "" },
		"issuer":      func(d *Deps) { d.Issuer = "mcp.example.com" },
		"web issuer":  func(d *Deps) { d.Issuer = "ftp://mcp.example.com" },
	} {
		t.Run(name, func(t *testing.T) {
			deps := full
			remove(&deps)
			if _, err := New(deps); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestTheOriginIsWrittenAsBrowsersWriteIt(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://mcp.example.com":      "https://mcp.example.com",
		"https://MCP.Example.com:443":  "https://mcp.example.com",
		"https://mcp.example.com:8443": "https://mcp.example.com:8443",
		"http://localhost:8000":        "http://localhost:8000",
		"http://127.0.0.1:80":          "http://127.0.0.1",
		"http://[::1]:8000":            "http://[::1]:8000",
	} {
		if got, err := originOf(issuer); err != nil || got != want {
			t.Errorf("originOf(%q) = %q, %v; want %q", issuer, got, err, want)
		}
	}
}
