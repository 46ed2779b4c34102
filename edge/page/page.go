// Package page is the HTML side of the edge: the authorization endpoint, the consent page, the provider's callback, the
// home page, the account page, and the error pages that the other rooms of the edge show to browsers.
//
// It knows no rule of OAuth. It carries what a browser sends to the core, renders what the core answers, and keeps
// three kinds of cookies: the page cookie, which proves that the person who answers the consent page has seen it; the
// binding cookie, which proves that the browser that comes back from the provider is the one that approved; and the
// session cookie of the account page. No page needs a script, and none loads anything from another host.
package page

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"google.golang.org/grpc"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// Authorizer is the part of gatehousev1.AuthServiceClient that the pages call.
type Authorizer interface {
	BeginAuthorization(context.Context, *gatehousev1.BeginAuthorizationRequest, ...grpc.CallOption) (
		*gatehousev1.BeginAuthorizationResponse, error)
	GetConsent(context.Context, *gatehousev1.GetConsentRequest, ...grpc.CallOption) (
		*gatehousev1.GetConsentResponse, error)
	DecideConsent(context.Context, *gatehousev1.DecideConsentRequest, ...grpc.CallOption) (
		*gatehousev1.DecideConsentResponse, error)
	CompleteAuthorization(context.Context, *gatehousev1.CompleteAuthorizationRequest, ...grpc.CallOption) (
		*gatehousev1.CompleteAuthorizationResponse, error)
	BeginAccountLogin(context.Context, *gatehousev1.BeginAccountLoginRequest, ...grpc.CallOption) (
		*gatehousev1.BeginAccountLoginResponse, error)
	GetAccount(context.Context, *gatehousev1.GetAccountRequest, ...grpc.CallOption) (
		*gatehousev1.GetAccountResponse, error)
	DisconnectGrants(context.Context, *gatehousev1.DisconnectGrantsRequest, ...grpc.CallOption) (
		*gatehousev1.DisconnectGrantsResponse, error)
	EndAccountSession(context.Context, *gatehousev1.EndAccountSessionRequest, ...grpc.CallOption) (
		*gatehousev1.EndAccountSessionResponse, error)
}

// Deps is what the pages need. Every field but Secure and AdmitLogin is required.
type Deps struct {
	// Auth is the core.
	Auth Authorizer
	// Logger gets one line for each failure that is not the visitor's.
	Logger *slog.Logger
	// Issuer is the origin under which browsers reach this server, without a trailing slash.
	Issuer string
	// ServerName is the name of this server for people.
	ServerName string
	// MCPURL is the address that people give to their client.
	MCPURL string
	// Secure is true when the issuer is an https URL. Cookies are then bound to this host alone, and browsers are told
	// to come by https only.
	Secure bool
	// AdmitLogin says how long a request that begins a login has to wait, 0 when it is taken. Optional.
	AdmitLogin func(*http.Request) time.Duration
	// Random yields the secrets of page cookies.
	Random io.Reader
	// Now is the clock.
	Now func() time.Time
}

// Pages renders the pages and answers their forms. It is safe for concurrent use.
type Pages struct {
	auth   Authorizer
	logger *slog.Logger
	origin string
	server string
	mcpURL string
	secure bool
	now    func() time.Time
	views  *views
	cookie cookieJar
	admit  func(*http.Request) time.Duration
}

// New returns the pages, or an error that names what is missing in deps.
func New(deps Deps) (*Pages, error) {
	switch {
	case deps.Auth == nil, deps.Logger == nil, deps.Random == nil, deps.Now == nil:
		return nil, errors.New("page: Auth, Logger, Random and Now are required")
	case deps.ServerName == "", deps.MCPURL == "":
		return nil, errors.New("page: ServerName and MCPURL are required")
	}
	origin, err := originOf(deps.Issuer)
	if err != nil {
		return nil, err
	}
	views, err := parseViews()
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return &Pages{
		auth:   deps.Auth,
		logger: deps.Logger,
		origin: origin,
		server: deps.ServerName,
		mcpURL: deps.MCPURL,
		secure: deps.Secure,
		now:    deps.Now,
		views:  views,
		cookie: cookieJar{secure: deps.Secure, random: deps.Random, now: deps.Now},
		admit:  deps.AdmitLogin,
	}, nil
}

// originOf returns the origin of a URL as browsers write it in the Origin header (RFC 6454 section 6.1): scheme and
// host in lower case, the port only when it is not the default one.
func originOf(issuer string) (string, error) {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", fmt.Errorf("page: issuer %q is not an http or https URL", issuer)
	}
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host, nil
}

// Register adds the routes of the pages. Each pattern answers all methods, so that a wrong method gets a page too.
func (p *Pages) Register(mux *http.ServeMux) {
	mux.Handle("/authorize", p.route(methods{
		http.MethodGet: stateful(p.limited(p.authorize)), http.MethodPost: p.limited(p.authorize),
	}))
	mux.Handle("/consent", p.route(methods{http.MethodGet: stateful(p.showConsent), http.MethodPost: p.decideConsent}))
	mux.Handle("/auth/callback", p.route(methods{http.MethodGet: stateful(p.callback)}))
	mux.Handle("/account", p.route(methods{http.MethodGet: p.showAccount}))
	mux.Handle("/account/login", p.route(methods{http.MethodPost: p.limited(p.signIn)}))
	mux.Handle("/account/disconnect", p.route(methods{http.MethodGet: p.confirmDisconnect, http.MethodPost: p.disconnect}))
	mux.Handle("/account/logout", p.route(methods{http.MethodPost: p.signOut}))
	mux.Handle("/assets/", p.route(methods{http.MethodGet: p.asset, http.MethodHead: p.asset}))
	mux.Handle("/{$}", p.route(methods{http.MethodGet: p.home, http.MethodHead: p.home}))
}
