package page

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// accountSecret is the secret of the one session that the core knows.
const accountSecret = "account-secret"

// accounts is the part of the core behind the account page.
type accounts struct {
	applications []*gatehousev1.ConnectedApplication
	outage       bool
	over         bool

	disconnected []*gatehousev1.DisconnectGrantsRequest
	signedOut    int
}

func (a *accounts) check(session string) error {
	switch {
	case a.outage:
		return coreError(codes.Unavailable, "temporarily_unavailable")
	case a.over || session != accountSecret:
		return coreError(codes.Unauthenticated, "session_expired")
	}
	return nil
}

func (a *accounts) BeginAccountLogin(
	context.Context, *gatehousev1.BeginAccountLoginRequest, ...grpc.CallOption,
) (*gatehousev1.BeginAccountLoginResponse, error) {
	return &gatehousev1.BeginAccountLoginResponse{
		Uri: "https://idp.example.net/auth?state=state-account", State: "state-account", BrowserSecret: "secret-of-state-account",
	}, nil
}

func (a *accounts) GetAccount(
	_ context.Context, in *gatehousev1.GetAccountRequest, _ ...grpc.CallOption,
) (*gatehousev1.GetAccountResponse, error) {
	if err := a.check(in.GetSessionSecret()); err != nil {
		return nil, err
	}
	return &gatehousev1.GetAccountResponse{
		Identity:     &gatehousev1.Identity{Name: "Ada <Lovelace>", Email: "ada@example.com"},
		Applications: a.applications,
	}, nil
}

func (a *accounts) DisconnectGrants(
	_ context.Context, in *gatehousev1.DisconnectGrantsRequest, _ ...grpc.CallOption,
) (*gatehousev1.DisconnectGrantsResponse, error) {
	if err := a.check(in.GetSessionSecret()); err != nil {
		return nil, err
	}
	a.disconnected = append(a.disconnected, in)
	return &gatehousev1.DisconnectGrantsResponse{}, nil
}

func (a *accounts) EndAccountSession(
	_ context.Context, in *gatehousev1.EndAccountSessionRequest, _ ...grpc.CallOption,
) (*gatehousev1.EndAccountSessionResponse, error) {
	if err := a.check(in.GetSessionSecret()); err != nil {
		return nil, err
	}
	a.signedOut++
	return &gatehousev1.EndAccountSessionResponse{}, nil
}

// application is a grant of the signed-in user.
func application(id, name string) *gatehousev1.ConnectedApplication {
	return &gatehousev1.ConnectedApplication{
		GrantId: id, ClientName: name, ClientId: "client-of-" + id, Resource: issuer + "/mcp", Scopes: []string{"mcp"},
		CreateTime: timestamppb.New(epoch().Add(-48 * time.Hour)), LastUsedTime: timestamppb.New(epoch()),
	}
}
