package oauth

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/gatehouse-auth/gatehouse/edge/requestlog"
	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// gateway is the generated translation between HTTP and the core.
type gateway struct {
	mux     *runtime.ServeMux
	logger  *slog.Logger
	timeout time.Duration
}

func newGateway(ctx context.Context, conn grpc.ClientConnInterface, cfg Config) (*gateway, error) {
	g := &gateway{logger: cfg.Logger, timeout: cfg.CallTimeout}
	answers := newAnswerCodec()
	g.mux = runtime.NewServeMux(
		runtime.WithMarshalerOption(mediaForm, codec{answers, decodeForm}),
		runtime.WithMarshalerOption(mediaJSON, codec{answers, decodeMetadata}),
		runtime.WithMarshalerOption(runtime.MIMEWildcard, answers),
		// Both would let a form reach a GET binding.
		runtime.WithDisablePathLengthFallback(),
		runtime.WithDisableHTTPMethodOverride(),
		// The gateway forwards Authorization by itself. Nothing else of a client is metadata, and no metadata of the core
		// is a header.
		runtime.WithIncomingHeaderMatcher(nothing),
		runtime.WithOutgoingHeaderMatcher(nothing),
		runtime.WithOutgoingTrailerMatcher(nothing),
		runtime.WithForwardResponseOption(created),
		runtime.WithErrorHandler(g.fail),
		runtime.WithRoutingErrorHandler(g.misroute),
	)
	if err := gatehousev1.RegisterAuthServiceHandlerClient(ctx, g.mux, gatehousev1.NewAuthServiceClient(conn)); err != nil {
		return nil, fmt.Errorf("register the gateway: %w", err)
	}
	return g, nil
}

// nothing is a header matcher that refuses every name.
func nothing(string) (string, bool) { return "", false }

// created answers 201 to a registration (RFC 7591 section 3.2.1).
func created(_ context.Context, w http.ResponseWriter, m proto.Message) error {
	if _, ok := m.(*gatehousev1.RegisterClientResponse); ok {
		w.WriteHeader(http.StatusCreated)
	}
	return nil
}

// target is everything that the gateway is told of a request, beside the address of the peer.
type target struct {
	method string
	path   string
	header http.Header
	body   io.ReadCloser
}

// serve runs a request through the gateway. The request is made anew: headers such as Grpc-Timeout, Accept, TE and
// X-Forwarded-Host, the Host and the query mean something to the gateway, and no client may say it.
func (g *gateway) serve(w http.ResponseWriter, r *http.Request, t target) {
	ctx, cancel := context.WithTimeout(r.Context(), g.timeout)
	defer cancel()
	inner := &http.Request{
		Method: t.method, URL: &url.URL{Path: t.path}, Header: t.header, Body: t.body, RemoteAddr: r.RemoteAddr,
	}
	g.mux.ServeHTTP(w, inner.WithContext(ctx))
}

// fail renders an error of a codec or of the core.
func (g *gateway) fail(
	ctx context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error,
) {
	if p, ok := r.Body.(*payload); ok && p.fault != nil {
		p.fault.write(w)
		return
	}
	f, known := failureOf(ctx, err, r.Method == http.MethodGet)
	if !known && status.Code(err) != codes.Canceled { // canceled: the client is gone
		g.logger.LogAttrs(ctx, f.level(), "a call of the core failed without a verdict",
			slog.Any("error", err), slog.String("request_id", requestlog.ID(ctx)))
	}
	f.challenge(r).write(w)
}

// misroute renders what the gateway says of a path without a binding.
func (g *gateway) misroute(
	_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, _ *http.Request, _ int,
) {
	notFound().write(w)
}
