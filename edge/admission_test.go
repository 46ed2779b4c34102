package edge

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fullstorydev/grpchan/inprocgrpc"

	"github.com/gatehouse-auth/gatehouse/edge/ratelimit"
	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// openCore begins every login, shows its consent page, and registers everybody.
type openCore struct{ core }

func (*openCore) BeginAuthorization(context.Context, *gatehousev1.BeginAuthorizationRequest) (*gatehousev1.BeginAuthorizationResponse, error) {
	return &gatehousev1.BeginAuthorizationResponse{Outcome: &gatehousev1.BeginAuthorizationResponse_Consent{
		Consent: &gatehousev1.ConsentPrompt{Handle: "handle"},
	}}, nil
}

func (*openCore) GetConsent(context.Context, *gatehousev1.GetConsentRequest) (*gatehousev1.GetConsentResponse, error) {
	return &gatehousev1.GetConsentResponse{ClientName: "Claude Code", RedirectUri: "http://localhost:1/cb"}, nil
}

func (*openCore) RegisterClient(context.Context, *gatehousev1.RegisterClientRequest) (*gatehousev1.RegisterClientResponse, error) {
	return &gatehousev1.RegisterClientResponse{ClientId: "c1"}, nil
}

func (*openCore) BeginAccountLogin(context.Context, *gatehousev1.BeginAccountLoginRequest) (*gatehousev1.BeginAccountLoginResponse, error) {
	return &gatehousev1.BeginAccountLoginResponse{Uri: "https://idp.example.net/auth", State: "s", BrowserSecret: "b"}, nil
}

// limited is an edge that takes three requests a minute of each source, and eight of all.
type limited struct {
	*Handler
	now time.Time
}

func newLimited(t *testing.T, change ...func(*Config)) *limited {
	t.Helper()
	limit := Limit{Source: ratelimit.Limit{Burst: 3, Per: time.Minute}, Total: ratelimit.Limit{Burst: 8, Per: time.Minute}}
	config := Config{
		Issuer: issuer, Resource: resource, Scopes: []string{"mcp"}, ServerName: "Gatehouse", Version: "v0",
		Limits: Limits{Registration: limit, Login: limit, Token: limit},
	}
	for _, f := range change {
		f(&config)
	}
	g := &limited{now: now()}
	channel := &inprocgrpc.Channel{}
	gatehousev1.RegisterAuthServiceServer(channel, &openCore{})
	handler, err := New(Deps{
		Conn: channel, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return g.now }, Random: counter{},
	}, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(handler.Shutdown)
	g.Handler = handler
	return g
}

// send sends a request to one of the limited surfaces.
func (g *limited) send(peer, method, path string, header ...string) *httptest.ResponseRecorder {
	body, media := "client_id=c1", "application/x-www-form-urlencoded"
	if path == "/register" {
		body, media = `{"redirect_uris":["http://localhost/cb"]}`, "application/json"
	}
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "127.0.0.1:8000"
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(peer), 5000).String()
	r.Header.Set("Content-Type", media)
	r.Header.Set("Origin", issuer)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

func TestASourceOverItsLimitWaitsWhileOthersGoOn(t *testing.T) {
	for _, tc := range []struct{ method, path, media string }{
		{"POST", "/register", "application/json"},
		{"POST", "/token", "application/json"},
		{"POST", "/revoke", "application/json"},
		{"POST", "/introspect", "application/json"},
		{"GET", "/authorize?client_id=c1", "text/html; charset=utf-8"},
		{"POST", "/authorize", "text/html; charset=utf-8"},
		{"POST", "/account/login", "text/html; charset=utf-8"},
	} {
		t.Run(tc.method+" "+tc.path, func(t *testing.T) {
			g := newLimited(t)
			for range 3 {
				if w := g.send("203.0.113.1", tc.method, tc.path); w.Code == 429 {
					t.Fatalf("refused within the limit: %s", w.Body)
				}
			}
			w := g.send("203.0.113.1", tc.method, tc.path)
			if w.Code != 429 || w.Header().Get("Content-Type") != tc.media || w.Header().Get("Cache-Control") != "no-store" {
				t.Fatalf("over the limit: %d %v", w.Code, w.Header())
			}
			if page := strings.HasPrefix(tc.media, "text/html"); page && !strings.Contains(w.Body.String(), "0001020304050607") ||
				!page && !strings.Contains(w.Body.String(), `"error":"too_many_requests"`) {
				t.Errorf("body = %s", w.Body)
			}
			if other := g.send("203.0.113.2", tc.method, tc.path); other.Code == 429 {
				t.Error("another source is refused")
			}
			seconds, err := strconv.Atoi(w.Header().Get("Retry-After"))
			if err != nil || seconds < 1 {
				t.Fatalf("Retry-After = %q", w.Header().Get("Retry-After"))
			}
			g.now = g.now.Add(time.Duration(seconds) * time.Second)
			if again := g.send("203.0.113.1", tc.method, tc.path); again.Code == 429 {
				t.Errorf("refused again after %d s, as it was told to wait", seconds)
			}
		})
	}
}

func TestALoginThatHasBegunGoesOnThroughAFlood(t *testing.T) {
	g := newLimited(t)
	begun := g.send("203.0.113.1", "GET", "/authorize?client_id=c1")
	if begun.Code != 303 {
		t.Fatalf("begin: %d %s", begun.Code, begun.Body)
	}
	for i := range 256 {
		g.send("198.51.100."+strconv.Itoa(i), "GET", "/authorize?client_id=c1")
		g.send("198.51.100."+strconv.Itoa(i), "POST", "/register")
	}
	if w := g.send("203.0.113.9", "GET", "/authorize?client_id=c1"); w.Code != 429 {
		t.Errorf("all share a limit that is used up, and one more begins with %d", w.Code)
	}
	if w := g.send("203.0.113.1", "GET", begun.Header().Get("Location")); w.Code != 200 {
		t.Errorf("consent page during the flood: %d %s", w.Code, w.Body)
	}
	if w := g.send("203.0.113.1", "POST", "/token"); w.Code == 429 {
		t.Error("a flood of logins limits the token endpoint")
	}
}

func TestAPageCanReadARefusalAndAPreflightCostsNothing(t *testing.T) {
	g := newLimited(t)
	for range 10 {
		if w := g.send("203.0.113.1", "OPTIONS", "/register"); w.Code != 204 {
			t.Fatalf("preflight: %d", w.Code)
		}
	}
	for range 3 {
		g.send("203.0.113.1", "POST", "/register")
	}
	w := g.send("203.0.113.1", "POST", "/register")
	if w.Code != 429 || w.Header().Get("Access-Control-Allow-Origin") != "*" ||
		!strings.Contains(w.Header().Get("Access-Control-Expose-Headers"), "Retry-After") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestWhichAddressIsTheSource(t *testing.T) {
	public := func(c *Config) { c.Issuer, c.Resource = "https://gate.test", "https://gate.test/mcp" }
	trusting := func(c *Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} }
	host := []string{"Host", "gate.test"}
	for _, tc := range []struct {
		name   string
		change []func(*Config)
		peer   string
		// forwarded changes with every request.
		forwarded string
		admitted  int
	}{
		{"a program of this machine", nil, "127.0.0.1", "", 20},
		{"a program of this machine over IPv6", nil, "::1", "", 20},
		{"another loopback address", nil, "127.0.1.1", "", 3},
		{"a header that nobody vouches for", nil, "203.0.113.1", "198.51.100.", 3},
		{"clients behind a proxy that is named", []func(*Config){trusting}, "127.0.0.1", "198.51.100.", 8},
		{"one client behind a proxy that is named", []func(*Config){public, trusting}, "127.0.0.1", "x, 203.0.113.", 3},
		{"a proxy here that nobody named", []func(*Config){public}, "127.0.0.1", "198.51.100.", 8},
		{"a proxy nearby that nobody named", []func(*Config){public}, "172.18.0.2", "198.51.100.", 8},
		{"a proxy in a shared network that nobody named", []func(*Config){public}, "100.64.3.2", "198.51.100.", 8},
		{"an address beside the shared network", []func(*Config){public}, "100.128.0.1", "", 3},
		{"a public address without a proxy", []func(*Config){public}, "203.0.113.1", "", 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := newLimited(t, append(tc.change, func(c *Config) { c.AllowedHosts = []string{"127.0.0.1:8000"} })...)
			admitted := 0
			for i := range 20 {
				header := host
				switch {
				case strings.HasPrefix(tc.forwarded, "x"):
					header = []string{"X-Forwarded-For", "192.0.2." + strconv.Itoa(i) + ", 203.0.113.1"}
				case tc.forwarded != "":
					header = []string{"X-Forwarded-For", tc.forwarded + strconv.Itoa(i)}
				}
				if g.send(tc.peer, "POST", "/register", header...).Code != 429 {
					admitted++
				}
			}
			if admitted != tc.admitted {
				t.Errorf("%d of 20 admitted, want %d", admitted, tc.admitted)
			}
		})
	}
}

func TestOtherSpellingsOfAPathReachNoLimitedSurface(t *testing.T) {
	g := newLimited(t)
	for _, path := range []string{"/Register", "//register", "/register/", "/%72egister", "/x/../register", "/./register"} {
		if w := g.send("203.0.113.1", "POST", path); w.Code != 404 {
			t.Errorf("%s: %d, want 404", path, w.Code)
		}
	}
}
