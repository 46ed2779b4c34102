// Package oauth serves the OAuth endpoints that speak JSON: registration, token, revocation, introspection, the
// provider's logout, metadata and keys.
//
// The generated gateway translates between HTTP and the core. Around it this package holds what HTTP and OAuth ask for
// and transcoding cannot say: media types, the form encoding, strict JSON, the error format of RFC 6749, caching and
// CORS. The gateway never sees the request of a client, only one that is built anew from the few parts that matter.
package oauth

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc"
)

const (
	// wellKnown is the folder of the metadata documents (RFC 8615).
	wellKnown = "/.well-known/"
	// pathIntrospect is the one endpoint that takes a bearer token in place of client credentials (RFC 7662 section 2.1).
	pathIntrospect = "/introspect"
)

// Config is what the endpoints need beside the core.
type Config struct {
	// Logger gets the failures that no client is told about.
	Logger *slog.Logger
	// CallTimeout bounds one call of the core. A core that takes longer counts as unavailable.
	CallTimeout time.Duration
	// AdmitRegistration and AdmitToken say how long a request has to wait, 0 when it is taken: one for the registration
	// endpoint, one for the endpoints where clients authenticate. Optional.
	AdmitRegistration, AdmitToken func(*http.Request) time.Duration
}

type handler struct {
	posts     map[string]*post
	documents *documents
}

// NewHandler returns a handler for the endpoints that take a POST and for everything under /.well-known/. Other paths are
// answered by a 404 in JSON.
//
// The context is that of the generated registration, whose errors are returned; it does not bound requests.
func NewHandler(ctx context.Context, conn grpc.ClientConnInterface, cfg Config) (http.Handler, error) {
	gateway, err := newGateway(ctx, conn, cfg)
	if err != nil {
		return nil, err
	}
	return &handler{
		posts: map[string]*post{
			"/register": {gateway: gateway, mediaType: mediaJSON, anyOrigin: true, admit: cfg.AdmitRegistration},
			"/token":    {gateway: gateway, mediaType: mediaForm, anyOrigin: true, admit: cfg.AdmitToken},
			"/revoke":   {gateway: gateway, mediaType: mediaForm, anyOrigin: true, admit: cfg.AdmitToken},
			// Resource servers and identity providers call these, and no page of theirs does.
			pathIntrospect: {gateway: gateway, mediaType: mediaForm, admit: cfg.AdmitToken},
			// A provider that ends many sessions at once sends many of these, and none of them twice.
			"/auth/backchannel-logout": {gateway: gateway, mediaType: mediaForm, anonymous: true},
		},
		documents: &documents{gateway: gateway},
	}, nil
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p, ok := h.posts[r.URL.Path]; ok {
		p.ServeHTTP(w, r)
		return
	}
	if strings.HasPrefix(r.URL.Path, wellKnown) {
		h.documents.ServeHTTP(w, r)
		return
	}
	notFound().write(w)
}
