package edge

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullstorydev/grpchan/inprocgrpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

const (
	issuer   = "http://127.0.0.1:8000"
	resource = issuer + "/mcp"
)

// core knows the resource /mcp and the token "good", and refuses or lacks everything else.
type core struct {
	gatehousev1.UnimplementedAuthServiceServer

	mu  sync.Mutex
	ids []string
}

func (c *core) GetServerMetadata(ctx context.Context, r *gatehousev1.GetServerMetadataRequest) (*gatehousev1.GetServerMetadataResponse, error) {
	return &gatehousev1.GetServerMetadataResponse{Issuer: issuer}, c.document(ctx, r.GetResourcePath())
}

func (c *core) GetResourceMetadata(ctx context.Context, r *gatehousev1.GetResourceMetadataRequest) (*gatehousev1.GetResourceMetadataResponse, error) {
	return &gatehousev1.GetResourceMetadataResponse{Resource: resource}, c.document(ctx, r.GetResourcePath())
}

func (c *core) GetKeySet(context.Context, *gatehousev1.GetKeySetRequest) (*gatehousev1.GetKeySetResponse, error) {
	return &gatehousev1.GetKeySetResponse{}, nil
}

func (c *core) VerifyToken(_ context.Context, r *gatehousev1.VerifyTokenRequest) (*gatehousev1.VerifyTokenResponse, error) {
	if r.GetToken() != "good" {
		return &gatehousev1.VerifyTokenResponse{Reason: gatehousev1.InactiveReason_INACTIVE_REASON_MALFORMED}, nil
	}
	return &gatehousev1.VerifyTokenResponse{
		Active: true, Subject: "u", ClientId: "c", Scopes: []string{"mcp"}, ExpireTime: timestamppb.New(time.Now().Add(time.Hour)),
	}, nil
}

func (c *core) BeginAuthorization(context.Context, *gatehousev1.BeginAuthorizationRequest) (*gatehousev1.BeginAuthorizationResponse, error) {
	return nil, status.Error(codes.InvalidArgument, "no such client")
}

func (c *core) CompleteAuthorization(context.Context, *gatehousev1.CompleteAuthorizationRequest) (*gatehousev1.CompleteAuthorizationResponse, error) {
	return nil, status.Error(codes.NotFound, "no such state")
}

func (c *core) ExchangeToken(context.Context, *gatehousev1.ExchangeTokenRequest) (*gatehousev1.ExchangeTokenResponse, error) {
	return nil, status.Error(codes.InvalidArgument, "no such grant type")
}

func (c *core) RevokeToken(context.Context, *gatehousev1.RevokeTokenRequest) (*gatehousev1.RevokeTokenResponse, error) {
	return &gatehousev1.RevokeTokenResponse{}, nil
}

func (c *core) IntrospectToken(context.Context, *gatehousev1.IntrospectTokenRequest) (*gatehousev1.IntrospectTokenResponse, error) {
	return &gatehousev1.IntrospectTokenResponse{Active: new(false)}, nil
}

func (c *core) ReceiveLogoutToken(context.Context, *gatehousev1.ReceiveLogoutTokenRequest) (*gatehousev1.ReceiveLogoutTokenResponse, error) {
	return nil, status.Error(codes.InvalidArgument, "no such token")
}

func (c *core) document(ctx context.Context, path string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ids = append(c.ids, metadata.ValueFromIncomingContext(ctx, "x-request-id")...)
	if path != "" && path != "mcp" {
		return status.Error(codes.NotFound, "no such resource")
	}
	return nil
}

// rig is an edge over a core in the same process.
type rig struct {
	*Handler
	core   *core
	health *health.Server
	log    *bytes.Buffer
}

func newRig(tb testing.TB, change ...func(*Config)) *rig {
	tb.Helper()
	config := Config{Issuer: issuer, Resource: resource, Scopes: []string{"mcp"}, ServerName: "Gatehouse", Version: "v0"}
	for _, f := range change {
		f(&config)
	}
	g := &rig{core: &core{}, health: health.NewServer(), log: &bytes.Buffer{}}
	g.health.SetServingStatus("gatehouse.v1.AuthService", grpc_health_v1.HealthCheckResponse_SERVING)
	channel := &inprocgrpc.Channel{}
	gatehousev1.RegisterAuthServiceServer(channel, g.core)
	grpc_health_v1.RegisterHealthServer(channel, g.health)
	handler, err := New(Deps{
		Conn: channel, Logger: slog.New(slog.NewJSONHandler(g.log, nil)), Now: time.Now, Random: counter{},
	}, config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(handler.Shutdown)
	g.Handler = handler
	return g
}

// counter is a source of identifiers that are all alike.
type counter struct{}

func (counter) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(i)
	}
	return len(b), nil
}

// do sends a request to the host of the issuer; header holds name and value in turn.
func (g *rig) do(method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, issuer+target, strings.NewReader(""))
	r.URL.Scheme, r.URL.Host = "", "" // as in a request to the origin itself
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

// routes returns the mux of the rig again, for tests that look at patterns.
func routes(tb testing.TB) *http.ServeMux {
	tb.Helper()
	config := Config{Issuer: issuer, Resource: resource, Scopes: []string{"mcp"}, ServerName: "Gatehouse", Version: "v0"}
	site, err := newSite(config)
	if err != nil {
		tb.Fatal(err)
	}
	rooms, err := open(Deps{Conn: &inprocgrpc.Channel{}, Logger: slog.New(slog.DiscardHandler), Now: time.Now, Random: counter{}}, config, site)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(rooms.mcp.Shutdown)
	mux, err := rooms.routes(site)
	if err != nil {
		tb.Fatal(err)
	}
	return mux
}
