package oauth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/gatehouse-auth/gatehouse/edge/oauth"
	"github.com/gatehouse-auth/gatehouse/edge/requestlog"
	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// core is an AuthService that answers what a test says, and keeps what it was asked.
type core struct {
	gatehousev1.UnimplementedAuthServiceServer
	err error

	mu       sync.Mutex
	request  proto.Message
	metadata metadata.MD
}

func (c *core) note(ctx context.Context, request proto.Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.request = request
	c.metadata, _ = metadata.FromIncomingContext(ctx)
	return c.err
}

// asked returns the last request and its metadata, and forgets them.
func (c *core) asked() (proto.Message, metadata.MD) {
	c.mu.Lock()
	defer c.mu.Unlock()
	request, md := c.request, c.metadata
	c.request, c.metadata = nil, nil
	return request, md
}

func (c *core) RegisterClient(ctx context.Context, r *gatehousev1.RegisterClientRequest) (*gatehousev1.RegisterClientResponse, error) {
	return &gatehousev1.RegisterClientResponse{
		ClientId: "c1", ClientSecret: new("s1"), ClientIdIssuedAt: 1_800_000_000,
		ClientSecretExpiresAt: new(uint32(0)), RedirectUris: r.GetRedirectUris(),
	}, c.note(ctx, r)
}

func (c *core) ExchangeToken(ctx context.Context, r *gatehousev1.ExchangeTokenRequest) (*gatehousev1.ExchangeTokenResponse, error) {
	return &gatehousev1.ExchangeTokenResponse{
		AccessToken: "at", TokenType: "Bearer", ExpiresIn: 3600, RefreshToken: "rt", Scope: "mcp",
	}, c.note(ctx, r)
}

func (c *core) RevokeToken(ctx context.Context, r *gatehousev1.RevokeTokenRequest) (*gatehousev1.RevokeTokenResponse, error) {
	return &gatehousev1.RevokeTokenResponse{}, c.note(ctx, r)
}

func (c *core) IntrospectToken(ctx context.Context, r *gatehousev1.IntrospectTokenRequest) (*gatehousev1.IntrospectTokenResponse, error) {
	if r.GetToken() != "good" {
		return &gatehousev1.IntrospectTokenResponse{Active: new(false)}, c.note(ctx, r)
	}
	return &gatehousev1.IntrospectTokenResponse{
		Active: new(true), Scope: "mcp", ClientId: "c1", Username: "ada", TokenType: "Bearer", Exp: 1_800_003_600, Iat: 1_800_000_000,
		Sub: "u1", Aud: "http://127.0.0.1:8000/mcp", Iss: "http://127.0.0.1:8000", Jti: "j1",
	}, c.note(ctx, r)
}

func (c *core) ReceiveLogoutToken(ctx context.Context, r *gatehousev1.ReceiveLogoutTokenRequest) (*gatehousev1.ReceiveLogoutTokenResponse, error) {
	return &gatehousev1.ReceiveLogoutTokenResponse{}, c.note(ctx, r)
}

func (c *core) GetServerMetadata(ctx context.Context, r *gatehousev1.GetServerMetadataRequest) (*gatehousev1.GetServerMetadataResponse, error) {
	return &gatehousev1.GetServerMetadataResponse{
		Issuer: "http://127.0.0.1:8000", AuthorizationResponseIssParameterSupported: true,
	}, c.document(ctx, r, r.GetResourcePath())
}

func (c *core) GetResourceMetadata(ctx context.Context, r *gatehousev1.GetResourceMetadataRequest) (*gatehousev1.GetResourceMetadataResponse, error) {
	return &gatehousev1.GetResourceMetadataResponse{Resource: "http://127.0.0.1:8000/mcp"}, c.document(ctx, r, r.GetResourcePath())
}

func (c *core) GetKeySet(ctx context.Context, r *gatehousev1.GetKeySetRequest) (*gatehousev1.GetKeySetResponse, error) {
	return &gatehousev1.GetKeySetResponse{}, c.note(ctx, r)
}

// document knows the resource /mcp and no other.
func (c *core) document(ctx context.Context, r proto.Message, path string) error {
	if err := c.note(ctx, r); err != nil {
		return err
	}
	switch {
	case len(path) > 256:
		return status.Error(codes.InvalidArgument, "validation error: resource_path: too long")
	case path != "" && path != "mcp":
		return verdict(codes.NotFound, "not_found", "There is no such resource.")
	}
	return nil
}

// verdict is an error as the core makes them.
func verdict(code codes.Code, reason, message string) error {
	return withDetails(code, message, &errdetails.ErrorInfo{Domain: "oauth", Reason: reason})
}

// outage is a verdict that says when to try again.
func outage(code codes.Code, delay time.Duration) error {
	return withDetails(code, "Try again.",
		&errdetails.ErrorInfo{Domain: "oauth", Reason: "temporarily_unavailable"},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(delay)})
}

func withDetails(code codes.Code, message string, details ...protoadapt.MessageV1) error {
	st, err := status.New(code, message).WithDetails(details...)
	if err != nil {
		panic(err) // the code is OK: a mistake of the test
	}
	return st.Err()
}

// rig is the handler over a real gRPC connection to a core.
type rig struct {
	http.Handler
	core *core
	log  *bytes.Buffer
}

func newRig(tb testing.TB, err error) *rig {
	tb.Helper()
	g := &rig{core: &core{err: err}, log: &bytes.Buffer{}}
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer()
	gatehousev1.RegisterAuthServiceServer(server, g.core)
	go func() { _ = server.Serve(listener) }()
	tb.Cleanup(server.Stop)
	conn, err := grpc.NewClient("passthrough:core",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(requestlog.UnaryClientInterceptor),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	g.Handler, err = oauth.NewHandler(tb.Context(), conn, oauth.Config{
		Logger: slog.New(slog.NewJSONHandler(g.log, nil)), CallTimeout: 10 * time.Second,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

// do sends a request; header holds name and value in turn.
func (g *rig) do(method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r = r.WithContext(requestlog.WithID(r.Context(), "ref1"))
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

// post sends a form.
func (g *rig) post(path, body string, header ...string) *httptest.ResponseRecorder {
	return g.do("POST", path, body, append([]string{"Content-Type", "application/x-www-form-urlencoded"}, header...)...)
}

// form posts to the token endpoint, and metadata to the registration endpoint.
func (g *rig) form(body string, header ...string) *httptest.ResponseRecorder {
	return g.post("/token", body, header...)
}

func (g *rig) metadata(body string, header ...string) *httptest.ResponseRecorder {
	return g.do("POST", "/register", body, append([]string{"Content-Type", "application/json"}, header...)...)
}

// members returns the members of a JSON answer.
func members(tb testing.TB, w *httptest.ResponseRecorder) map[string]any {
	tb.Helper()
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		tb.Errorf("Content-Type = %q", got)
	}
	var m map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil {
		tb.Fatalf("body %q: %v", w.Body, err)
	}
	return m
}

// expect checks status and error code of a refusal.
func expect(tb testing.TB, w *httptest.ResponseRecorder, status int, code string) {
	tb.Helper()
	if w.Code != status {
		tb.Errorf("status = %d, want %d: %s", w.Code, status, w.Body)
	}
	m := members(tb, w)
	if m["error"] != code {
		tb.Errorf("error = %v, want %s", m["error"], code)
	}
	if d, _ := m["error_description"].(string); d == "" || strings.ContainsFunc(d, func(c rune) bool {
		return c < ' ' || c > '~' || c == '"' || c == '\\' // RFC 6749 section 5.2
	}) {
		tb.Errorf("error_description = %q", d)
	}
}
