// Package verifier asks a Gatehouse core whether an access token is good, and puts the answer where a handler can use it.
//
// It is the client of AuthService.VerifyToken for any program that serves something behind Gatehouse: an MCP server, an
// HTTP API or a gRPC service.
//
//	tokens := verifier.New(gatehousev1.NewAuthServiceClient(conn), verifier.Config{
//		Resource:       "https://mcp.example.com/mcp",
//		RequiredScopes: []string{"mcp"},
//		MetadataURL:    "https://mcp.example.com/.well-known/oauth-protected-resource/mcp",
//	})
//	http.Handle("/mcp", tokens.Middleware(handler))
//
// The handler reads who called with [PrincipalFrom]. It never sees the token.
//
// Make conn with [grpc.WithKeepaliveParams], a Time of 10 seconds or more: a connection that is lost without a word, as by a
// firewall, takes every call with it until somebody notices, and without keepalive that is the system, in a quarter of an hour.
//
// Every failure is closed: a core that cannot be asked, or that gives an answer without a subject, lets nobody in. The
// three ways to fail are three types, because they want three answers: [*Inactive] (log in again), [*InsufficientScope]
// (ask for more) and [*Unavailable] (try again later; the token may be perfectly good).
package verifier

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"slices"
	"time"

	"google.golang.org/grpc"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// MaxTokenBytes is the longest token that is sent to the core. Longer ones are inactive without being asked about.
const MaxTokenBytes = 8 << 10

const (
	defaultTimeout       = 5 * time.Second
	defaultWatchInterval = 5 * time.Second
)

// errIncomplete is the cause of Unavailable when an active answer lacks what every token has. A core that answers so is
// broken, and a broken core is no reason to let somebody in.
var errIncomplete = errors.New("verifier: the answer of the core is incomplete")

// Client is the one method of gatehousev1.AuthServiceClient that a verifier calls.
type Client interface {
	VerifyToken(
		ctx context.Context, in *gatehousev1.VerifyTokenRequest, opts ...grpc.CallOption,
	) (*gatehousev1.VerifyTokenResponse, error)
}

// Config says what a token must be good for.
type Config struct {
	// Resource is the resource identifier that the caller serves (RFC 8707). Required: the core refuses to answer
	// without it, so a verifier without it lets nobody in.
	Resource string
	// RequiredScopes are the scopes that every token must carry, all of them.
	RequiredScopes []string
	// ChallengeScopes are the scopes that a client without a token is told to ask for (RFC 6750 section 3). Empty means
	// RequiredScopes.
	ChallengeScopes []string
	// MetadataURL is where the protected resource metadata of Resource is served (RFC 9728 section 5.1). Challenges name
	// it; when empty they do not. It is never taken from a request.
	MetadataURL string
	// Freshness is how old the knowledge behind an answer may be. The zero value is FRESHNESS_CACHED.
	Freshness gatehousev1.Freshness
}

// Verifier asks about tokens for one resource. It is safe for concurrent use.
type Verifier struct {
	client        Client
	config        Config
	challenges    challenges
	cache         *cache
	logger        *slog.Logger
	now           func() time.Time
	timeout       time.Duration
	watchInterval time.Duration
	random        io.Reader
	publicMethods []string
}

// Option changes what is optional about a Verifier.
type Option func(*Verifier)

// WithCache keeps active answers for at most ttl, which is cut to one second, and at most size of them.
//
// It is off by default. In the process of the core a call costs microseconds and sees a revocation at once; over a
// network the cache saves the round trip and delays a revocation by up to ttl. Answers are found by the SHA-256 of the
// token, so that the memory of the process holds no tokens; none outlives its token; refusals are not kept; concurrent
// questions about one token become one call. With FRESHNESS_STRICT there is no cache.
func WithCache(size int, ttl time.Duration) Option {
	return func(v *Verifier) { v.cache = newCache(size, ttl) }
}

// WithClock replaces time.Now.
func WithClock(now func() time.Time) Option {
	return func(v *Verifier) { v.now = now }
}

// WithLogger tells where outages (warn) and refusals (debug) are logged. The default logs nothing. No log line has a
// token in it.
func WithLogger(logger *slog.Logger) Option {
	return func(v *Verifier) { v.logger = logger }
}

// WithTimeout bounds one call of the core. The default is 5 seconds; zero leaves the bound to the caller's context, and
// is the default again for a verifier with a cache, whose calls outlive their callers.
func WithTimeout(timeout time.Duration) Option {
	return func(v *Verifier) { v.timeout = timeout }
}

// WithWatchInterval says how often a watched token is asked about again. The default is 5 seconds. See [Verifier.Watch].
func WithWatchInterval(interval time.Duration) Option {
	return func(v *Verifier) { v.watchInterval = interval }
}

// WithPublicMethods names gRPC methods ("/package.Service/Method") that the interceptors let through without a token,
// such as a health check. Names are compared exactly.
func WithPublicMethods(methods ...string) Option {
	return func(v *Verifier) { v.publicMethods = slices.Clone(methods) }
}

// New returns a verifier that asks client.
func New(client Client, config Config, opts ...Option) *Verifier {
	config.RequiredScopes = slices.Clone(config.RequiredScopes)
	config.ChallengeScopes = slices.Clone(config.ChallengeScopes)
	v := &Verifier{
		client:        client,
		config:        config,
		challenges:    newChallenges(config),
		logger:        slog.New(slog.DiscardHandler),
		now:           time.Now,
		timeout:       defaultTimeout,
		watchInterval: defaultWatchInterval,
		random:        rand.Reader,
	}
	for _, opt := range opts {
		opt(v)
	}
	switch {
	case config.Freshness == gatehousev1.Freshness_FRESHNESS_STRICT:
		v.cache = nil
	case v.cache != nil && v.cache.follow != nil:
		v.config.Freshness = gatehousev1.Freshness_FRESHNESS_STRICT
	}
	if v.cache != nil && v.timeout <= 0 {
		v.timeout = defaultTimeout
	}
	return v
}

// Resource returns the resource identifier that tokens must be good for.
func (v *Verifier) Resource() string { return v.config.Resource }

// Verify returns the principal of a token, or an error of type [*Inactive], [*InsufficientScope] or [*Unavailable].
func (v *Verifier) Verify(ctx context.Context, token string) (Principal, error) {
	if token == "" || len(token) > MaxTokenBytes {
		return Principal{}, &Inactive{Reason: gatehousev1.InactiveReason_INACTIVE_REASON_MALFORMED}
	}
	answer, err := v.answer(ctx, token)
	if err != nil {
		return Principal{}, unavailable(err)
	}
	return v.judge(answer)
}

// answer returns what the core says, or said a moment ago.
func (v *Verifier) answer(ctx context.Context, token string) (*gatehousev1.VerifyTokenResponse, error) {
	if v.cache == nil {
		return v.ask(ctx, token)
	}
	return v.cache.answer(ctx, token, v.now, v.ask)
}

func (v *Verifier) ask(ctx context.Context, token string) (*gatehousev1.VerifyTokenResponse, error) {
	if v.timeout > 0 {
		bounded, cancel := context.WithTimeout(ctx, v.timeout)
		defer cancel()
		ctx = bounded
	}
	return v.client.VerifyToken(ctx, &gatehousev1.VerifyTokenRequest{
		Token:          token,
		Resource:       v.config.Resource,
		RequiredScopes: v.config.RequiredScopes,
		Freshness:      v.config.Freshness,
	})
}

// judge turns an answer into a verdict. It looks again at what the core has already looked at, expiry and scopes: an
// answer from the cache is older than the question, and this is the last door before a handler.
func (v *Verifier) judge(answer *gatehousev1.VerifyTokenResponse) (Principal, error) {
	if !answer.GetActive() {
		return Principal{}, v.refusal(answer)
	}
	if answer.GetSubject() == "" || answer.GetClientId() == "" || answer.GetExpireTime() == nil {
		return Principal{}, unavailable(errIncomplete)
	}
	principal := Principal{answer: answer}
	if !v.now().Before(principal.ExpireTime()) {
		return Principal{}, &Inactive{Reason: gatehousev1.InactiveReason_INACTIVE_REASON_EXPIRED}
	}
	for _, scope := range v.config.RequiredScopes {
		if !principal.HasScope(scope) {
			return Principal{}, &InsufficientScope{Required: slices.Clone(v.config.RequiredScopes)}
		}
	}
	return principal, nil
}

func (v *Verifier) refusal(answer *gatehousev1.VerifyTokenResponse) error {
	switch {
	case answer == nil:
		return unavailable(errIncomplete)
	case answer.GetReason() == gatehousev1.InactiveReason_INACTIVE_REASON_INSUFFICIENT_SCOPE:
		return &InsufficientScope{Required: slices.Clone(v.config.RequiredScopes)}
	default:
		return &Inactive{Reason: answer.GetReason()}
	}
}
