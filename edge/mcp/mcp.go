// Package mcp is the MCP endpoint behind the gate: it lets a request through to an MCP server only after Host, Origin,
// token, size and shape have been looked at, in this order and the same way for every protocol version.
//
// Sessions, streams and limits of the endpoint are here; the protocol itself is mcp-go's.
package mcp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/mark3labs/mcp-go/server"

	"github.com/gatehouse-auth/gatehouse/edge/mcp/origin"
	"github.com/gatehouse-auth/gatehouse/edge/mcp/session"
	"github.com/gatehouse-auth/gatehouse/edge/verifier"
)

// Deps is what an endpoint needs.
type Deps struct {
	// Verifier checks the tokens. Required, and for the ResourceURL of the endpoint. Its configuration decides the
	// challenge.
	Verifier *verifier.Verifier
	// Server is the MCP server behind the gate, such as NewSampleServer. Required.
	Server *server.MCPServer
	// Logger is for what no client is told. The default is to log nothing.
	Logger *slog.Logger
	// Now is the clock of session expiry. The default is time.Now.
	Now func() time.Time
	// NewSessionID returns a session identifier of at least 128 random bits, in visible ASCII. The default is
	// crypto/rand.Text.
	NewSessionID func() string
}

// Config is the configuration of an endpoint. Zero values mean the defaults that are named.
type Config struct {
	// ResourceURL is the public URL of the endpoint and the audience of its tokens. Required.
	ResourceURL string
	// Hosts are accepted values of Host beside the one of ResourceURL.
	Hosts []string
	// AllowedOrigins are the origins of web pages that may call, beside the endpoint's own.
	AllowedOrigins []string
	// AllowLoopbackOrigins lets pages on any loopback origin call, for browser-based tools in development.
	AllowLoopbackOrigins bool
	// MaxBodyBytes is the largest accepted body. 4 MiB.
	MaxBodyBytes int64
	// BodyTimeout is how long a body may take to arrive. 30 seconds.
	BodyTimeout time.Duration
	// SessionIdle is how long a session lives without a request. 1 hour.
	SessionIdle time.Duration
	// MaxSessions is how many sessions there may be; each costs about 10 kB. 4096.
	MaxSessions int
	// MaxSessionsPerUser is how many sessions one user may have; one more ends the one not used for longest. 64.
	MaxSessionsPerUser int
	// MaxStreamsPerUser is how many subscriptions/listen streams one user may hold open. 16.
	MaxStreamsPerUser int
	// KeepAlive is after how much silence a comment is written to a stream. 20 seconds.
	KeepAlive time.Duration
}

func (c Config) withDefaults() Config {
	orDefault(&c.MaxBodyBytes, 4<<20)
	orDefault(&c.BodyTimeout, 30*time.Second)
	orDefault(&c.SessionIdle, time.Hour)
	orDefault(&c.MaxSessions, 4096)
	orDefault(&c.MaxSessionsPerUser, 64)
	orDefault(&c.MaxStreamsPerUser, 16)
	orDefault(&c.KeepAlive, 20*time.Second)
	return c
}

func orDefault[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}

// Endpoint serves one MCP server at one URL.
type Endpoint struct {
	config   Config
	verifier *verifier.Verifier
	sessions *session.Room
	streams  *streams
	mcp      *server.StreamableHTTPServer
	logger   *slog.Logger
	gated    http.Handler
	open     context.Context
	shut     context.CancelFunc
}

// New puts an MCP server behind the gate.
func New(deps Deps, config Config) (*Endpoint, error) {
	if deps.Verifier == nil || deps.Server == nil {
		return nil, errors.New("mcp: an endpoint needs a verifier and a server")
	}
	if got := deps.Verifier.Resource(); got != config.ResourceURL {
		return nil, fmt.Errorf("mcp: the verifier is for %q and the endpoint for %q", got, config.ResourceURL)
	}
	gate, err := origin.New(origin.Config{
		URL:            config.ResourceURL,
		Hosts:          config.Hosts,
		AllowedOrigins: config.AllowedOrigins,
		AllowLoopback:  config.AllowLoopbackOrigins,
	})
	if err != nil {
		return nil, fmt.Errorf("mcp: %w", err)
	}
	deps = deps.withDefaults()
	config = config.withDefaults()
	e := &Endpoint{
		config:   config,
		verifier: deps.Verifier,
		sessions: session.NewRoom(session.Config{
			Idle:       config.SessionIdle,
			Max:        config.MaxSessions,
			MaxPerUser: config.MaxSessionsPerUser,
		}, deps.Now, deps.NewSessionID),
		streams: newStreams(config.MaxStreamsPerUser),
		logger:  deps.Logger,
		mcp: server.NewStreamableHTTPServer(deps.Server,
			server.WithSessionIdManagerResolver(seats{}),
			server.WithDisableStreaming(true),
			server.WithStreamableHTTPLogger(deps.Logger)),
	}
	e.open, e.shut = context.WithCancel(context.Background())
	e.gated = gate.Middleware(deps.Verifier.Middleware(http.HandlerFunc(e.serve)))
	return e, nil
}

func (d Deps) withDefaults() Deps {
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.NewSessionID == nil {
		d.NewSessionID = rand.Text
	}
	return d
}

// ServeHTTP answers any method. Nothing but a CORS preflight of an accepted origin is answered without a token.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.gated.ServeHTTP(w, r) }

// Shutdown ends the open streams, which would otherwise keep an HTTP server from draining. It is made for
// http.Server.RegisterOnShutdown. Other requests go on; new streams end at once.
func (e *Endpoint) Shutdown() { e.shut() }
