package e2e

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// dial connects to the core's gRPC listener.
func (d *deployment) dial(t *testing.T) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(d.grpcAddr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// servesHealth is ready when the gRPC listener says so.
func servesHealth(grpcAddr string) func(context.Context) bool {
	return func(ctx context.Context) bool {
		conn, err := grpc.NewClient(grpcAddr, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return false
		}
		defer conn.Close()
		health, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{})
		return err == nil && health.GetStatus() == healthv1.HealthCheckResponse_SERVING
	}
}

func (d *deployment) authService(t *testing.T) gatehousev1.AuthServiceClient {
	t.Helper()
	return gatehousev1.NewAuthServiceClient(d.dial(t))
}

// withToken returns a context whose calls carry a bearer token.
func withToken(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

func verifyRequest(d *deployment, token string) *gatehousev1.VerifyTokenRequest {
	return &gatehousev1.VerifyTokenRequest{Token: token, Resource: d.resource()}
}

// verifiesTokens: a token that is not good is an answer, not an error.
func verifiesTokens(t *testing.T, d *deployment) {
	s := d.connect(t, d.alice)
	service := d.authService(t)
	verdict, err := service.VerifyToken(t.Context(), verifyRequest(d, s.access))
	if err != nil {
		t.Fatal(err)
	}
	if !verdict.GetActive() || verdict.GetClientId() != s.id || verdict.GetSubject() == "" || verdict.GetGrantId() == "" {
		t.Errorf("a good token: %v", verdict)
	}
	if got := verdict.GetIdentity().GetPreferredUsername(); got != d.alice.username {
		t.Errorf("the token is %q's, want %q", got, d.alice.username)
	}
	again, err := service.VerifyToken(t.Context(), verifyRequest(d, d.connect(t, d.alice).access))
	if err != nil || again.GetSubject() != verdict.GetSubject() {
		t.Errorf("a user's subject changed between logins (%v)", err)
	}
	other, err := service.VerifyToken(t.Context(), verifyRequest(d, d.connect(t, d.bob).access))
	if err != nil || other.GetSubject() == verdict.GetSubject() {
		t.Errorf("two users have one subject (%v)", err)
	}

	for name, test := range map[string]struct {
		request *gatehousev1.VerifyTokenRequest
		want    gatehousev1.InactiveReason
	}{
		"another resource": {
			&gatehousev1.VerifyTokenRequest{Token: s.access, Resource: "https://other.example/mcp"},
			gatehousev1.InactiveReason_INACTIVE_REASON_AUDIENCE,
		},
		"a scope that it lacks": {
			&gatehousev1.VerifyTokenRequest{Token: s.access, Resource: d.resource(), RequiredScopes: []string{"no:such"}},
			gatehousev1.InactiveReason_INACTIVE_REASON_INSUFFICIENT_SCOPE,
		},
		"garbage": {verifyRequest(d, "garbage"), gatehousev1.InactiveReason_INACTIVE_REASON_MALFORMED},
		"nothing": {verifyRequest(d, ""), gatehousev1.InactiveReason_INACTIVE_REASON_MALFORMED},
		"a refresh token": {
			verifyRequest(d, s.refresh),
			gatehousev1.InactiveReason_INACTIVE_REASON_MALFORMED,
		},
	} {
		verdict, err := service.VerifyToken(t.Context(), test.request)
		if err != nil || verdict.GetActive() || verdict.GetReason() != test.want {
			t.Errorf("%s: %v, %v; want inactive with %s", name, verdict, err, test.want)
		}
	}
	_, err = service.VerifyToken(t.Context(), &gatehousev1.VerifyTokenRequest{Token: s.access})
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("without a resource: %v, want INVALID_ARGUMENT", err)
	}
}

// guardsGRPC calls everything without a token, with a wrong one, and what is open.
func guardsGRPC(t *testing.T, d *deployment) {
	conn := d.dial(t)
	health, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{})
	if err != nil || health.GetStatus() != healthv1.HealthCheckResponse_SERVING {
		t.Errorf("health: %v, %v", health, err)
	}
	if services := listServices(t, conn); !services["gatehouse.v1.AuthService"] || !services["gatehouse.v1.AdminService"] {
		t.Errorf("reflection lists %v", services)
	}
	auth, admin := gatehousev1.NewAuthServiceClient(conn), gatehousev1.NewAdminServiceClient(conn)
	for name, call := range map[string]func(context.Context) error{
		"ListClients": func(ctx context.Context) error {
			_, err := admin.ListClients(ctx, &gatehousev1.ListClientsRequest{})
			return err
		},
		"RevokeGrants": func(ctx context.Context) error {
			_, err := admin.RevokeGrants(ctx, &gatehousev1.RevokeGrantsRequest{
				Selector: &gatehousev1.RevokeGrantsRequest_Subject{Subject: "anybody"},
			})
			return err
		},
		"BeginAuthorization": func(ctx context.Context) error {
			_, err := auth.BeginAuthorization(ctx, &gatehousev1.BeginAuthorizationRequest{})
			return err
		},
		"RegisterClient": func(ctx context.Context) error {
			_, err := auth.RegisterClient(ctx, &gatehousev1.RegisterClientRequest{RedirectUris: []string{"https://a.example/"}})
			return err
		},
		"a method that does not exist": func(ctx context.Context) error {
			return conn.Invoke(ctx, "/gatehouse.v1.AuthService/verifyToken", &gatehousev1.VerifyTokenRequest{},
				&gatehousev1.VerifyTokenResponse{})
		},
	} {
		for who, ctx := range map[string]context.Context{
			"without a token":    t.Context(),
			"with a wrong token": withToken(t.Context(), "not-the-admin-token"),
		} {
			if err := call(ctx); !refused(err) {
				t.Errorf("%s %s: %v", name, who, err)
			}
		}
	}
}

func refused(err error) bool {
	switch status.Code(err) {
	case codes.Unauthenticated, codes.PermissionDenied, codes.Unimplemented:
		return true
	default:
		return false
	}
}

// listServices asks the reflection service.
func listServices(t *testing.T, conn *grpc.ClientConn) map[string]bool {
	t.Helper()
	stream, err := reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = stream.Send(&reflectionv1.ServerReflectionRequest{
		MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{},
	})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil {
		t.Errorf("reflection: %v", err)
		return nil
	}
	services := make(map[string]bool)
	for _, service := range answer.GetListServicesResponse().GetService() {
		services[service.GetName()] = true
	}
	return services
}
