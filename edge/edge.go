// Package edge assembles the HTTP side of Gatehouse: OAuth endpoints, pages, the MCP endpoint and the probes, behind one
// set of guards.
//
// The edge has no business rule. It asks the core over gRPC, and knows of it nothing but the contract.
package edge

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/fullstorydev/grpchan"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/gatehouse-auth/gatehouse/edge/forwarded"
	"github.com/gatehouse-auth/gatehouse/edge/mcp"
	"github.com/gatehouse-auth/gatehouse/edge/oauth"
	"github.com/gatehouse-auth/gatehouse/edge/page"
	"github.com/gatehouse-auth/gatehouse/edge/requestlog"
	"github.com/gatehouse-auth/gatehouse/edge/verifier"
	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// The answers about tokens that an edge keeps when its core is remote: how many, and for how long at most.
const (
	keptAnswers   = 10_000
	keptAnswerTTL = 30 * time.Second
)

// callTimeout bounds one call of the core by the OAuth endpoints. A refresh may wait for the identity provider.
const callTimeout = 30 * time.Second

// Deps is what the edge needs. All of it is required unless it says otherwise.
type Deps struct {
	// Conn is the connection to the core.
	Conn grpc.ClientConnInterface
	// Logger gets one line per request.
	Logger *slog.Logger
	// Now is the clock.
	Now func() time.Time
	// Random is the source of identifiers and cookies. It must be safe for concurrent use.
	Random io.Reader
	// Remote says that the core is in another process, so that asking it about every token is worth avoiding: answers are
	// kept while [Handler.Follow] hears of revocations. Optional.
	Remote bool
}

// Config says under which names the edge is reached. Every URL that it gives out comes from here.
type Config struct {
	// Issuer is the origin of the server ("https://mcp.example.com"), without a trailing slash.
	Issuer string
	// Resource is the URL of the MCP endpoint: the issuer with a path.
	Resource string
	// Scopes are the scopes of the MCP endpoint. A client without a token is told all of them; the endpoint needs the
	// first.
	Scopes []string
	// ServerName is the name of the server for people and MCP clients, and Version its version.
	ServerName string
	Version    string
	// AllowedHosts are values of Host that are answered beside the issuer's, with the port where it is not the default.
	AllowedHosts []string
	// AllowedOrigins are the origins of web pages that may call the MCP endpoint, beside the issuer.
	AllowedOrigins []string
	// TrustedProxies are the networks of reverse proxies whose X-Forwarded-For tells the address of the client.
	TrustedProxies []netip.Prefix
	// Limits bound how often anonymous visitors are served.
	Limits Limits
}

// Handler answers every request to the edge. It is safe for concurrent use.
type Handler struct {
	root   http.Handler
	mcp    *mcp.Endpoint
	follow func(context.Context) error
	isMany func(netip.Addr) bool
}

// New assembles the edge. The error names what is wrong with the configuration.
func New(deps Deps, config Config) (*Handler, error) {
	if deps.Conn == nil || deps.Logger == nil || deps.Now == nil || deps.Random == nil {
		return nil, errors.New("edge: Conn, Logger, Now and Random are required")
	}
	site, err := newSite(config)
	if err != nil {
		return nil, err
	}
	rooms, err := open(deps, config, site)
	if err != nil {
		return nil, err
	}
	mux, err := rooms.routes(site)
	if err != nil {
		return nil, err
	}
	guarded := secured(site.secure, rooms.problems.guard(site.hosts, mux))
	failure := secured(site.secure, rooms.problems.handler(http.StatusInternalServerError))
	root := requestlog.NewHandler(requestlog.Deps{
		Next: guarded, Failure: failure, Logger: deps.Logger, Now: deps.Now, Random: deps.Random,
		ClientAddress: forwarded.Proxies(config.TrustedProxies).Client,
	})
	return &Handler{root: root, mcp: rooms.mcp, follow: rooms.follow, isMany: rooms.isMany}, nil
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.root.ServeHTTP(w, r) }

// Follow listens to the revocations of a remote core until the context ends. Without it every token is asked about, and
// with a core in the same process there is nothing to follow.
func (h *Handler) Follow(ctx context.Context) error { return h.follow(ctx) }

// Shutdown ends the streams that would keep a server from draining. Other requests go on.
func (h *Handler) Shutdown() { h.mcp.Shutdown() }

// rooms are the parts of the edge.
type rooms struct {
	oauth    http.Handler
	pages    *page.Pages
	mcp      *mcp.Endpoint
	probes   *probes
	problems problems
	now      func() time.Time
	follow   func(context.Context) error
	isMany   func(netip.Addr) bool
}

func open(deps Deps, config Config, site *site) (*rooms, error) {
	admit := newAdmission(deps.Now, config, site)
	conn := grpchan.InterceptClientConnUnary(deps.Conn, requestlog.UnaryClientInterceptor)
	core := gatehousev1.NewAuthServiceClient(conn)
	endpoints, err := oauth.NewHandler(context.Background(), conn,
		oauth.Config{
			Logger: deps.Logger, CallTimeout: callTimeout,
			AdmitRegistration: admit.registration, AdmitToken: admit.token,
		})
	if err != nil {
		return nil, err
	}
	pages, err := page.New(page.Deps{
		Auth: core, Logger: deps.Logger, Issuer: config.Issuer, ServerName: config.ServerName, MCPURL: config.Resource,
		Secure: site.secure, AdmitLogin: admit.login, Random: deps.Random, Now: deps.Now,
	})
	if err != nil {
		return nil, err
	}
	tokens, follow := newVerifier(deps, core, config, site)
	endpoint, err := mcp.New(mcp.Deps{
		Verifier: tokens,
		Server:   mcp.NewSampleServer(config.ServerName, config.Version),
		Logger:   deps.Logger,
		Now:      deps.Now,
	}, mcp.Config{
		ResourceURL: config.Resource, Hosts: config.AllowedHosts, AllowedOrigins: config.AllowedOrigins,
		AllowLoopbackOrigins: site.loopback,
	})
	if err != nil {
		return nil, err
	}
	problems := problems{pages: pages}
	return &rooms{
		oauth: endpoints, pages: pages, mcp: endpoint, problems: problems,
		probes: &probes{health: grpc_health_v1.NewHealthClient(conn), logger: deps.Logger, problems: problems},
		now:    deps.Now,
		follow: follow,
		isMany: admit.isMany,
	}, nil
}

// newVerifier returns the verifier of the MCP endpoint, and what keeps it up to date.
func newVerifier(
	deps Deps, core gatehousev1.AuthServiceClient, config Config, site *site,
) (*verifier.Verifier, func(context.Context) error) {
	options := []verifier.Option{verifier.WithLogger(deps.Logger), verifier.WithClock(deps.Now)}
	if deps.Remote {
		options = append(options, verifier.WithFollowedCache(keptAnswers, keptAnswerTTL))
	}
	tokens := verifier.New(core, verifier.Config{
		Resource: config.Resource, RequiredScopes: config.Scopes[:min(1, len(config.Scopes))],
		ChallengeScopes: config.Scopes, MetadataURL: site.metadataURL(),
	}, options...)
	if !deps.Remote {
		return tokens, func(context.Context) error { return nil }
	}
	return tokens, func(ctx context.Context) error { return tokens.Follow(ctx, core) }
}
