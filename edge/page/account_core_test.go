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
	identity     *gatehousev1.Identity
	applications []*gatehousev1.ConnectedApplication
	// accountErr is what every call answers, when it is not nil.
	accountErr error

	logins       int
	read         int
	disconnected []*gatehousev1.DisconnectGrantsRequest
	signedOut    int
}

// newAccounts returns a core that knows one user, with one session.
func newAccounts() accounts {
	return accounts{
		identity:     &gatehousev1.Identity{Name: "Ada Lovelace", Email: "ada@example.com", PreferredUsername: "ada"},
		applications: []*gatehousev1.ConnectedApplication{application("g1", "Claude Code"), application("g2", "Cursor")},
	}
}

// application is a grant of the signed-in user.
func application(id, name string) *gatehousev1.ConnectedApplication {
	return &gatehousev1.ConnectedApplication{
		GrantId: id, ClientName: name, ClientId: "client-of-" + id, Resource: issuer + "/mcp", Scopes: []string{"mcp", "notes:read"},
		CreateTime: timestamppb.New(epoch().Add(-48 * time.Hour)), LastUsedTime: timestamppb.New(epoch().Add(-5 * time.Minute)),
	}
}

func (a *accounts) check(session string) error {
	switch {
	case a.accountErr != nil:
		return a.accountErr
	case session != accountSecret:
		return coreError(codes.Unauthenticated, "session_expired")
	}
	return nil
}

func (a *accounts) BeginAccountLogin(context.Context, *gatehousev1.BeginAccountLoginRequest, ...grpc.CallOption) (*gatehousev1.BeginAccountLoginResponse, error) {
	a.logins++
	if a.accountErr != nil {
		return nil, a.accountErr
	}
	return &gatehousev1.BeginAccountLoginResponse{
		Uri: "https://idp.example.net/auth?state=state-account", State: "state-account", BrowserSecret: "secret-of-state-account",
		ExpireTime: timestamppb.New(epoch().Add(10 * time.Minute)),
	}, nil
}

func (a *accounts) GetAccount(_ context.Context, in *gatehousev1.GetAccountRequest, _ ...grpc.CallOption) (*gatehousev1.GetAccountResponse, error) {
	a.read++
	if err := a.check(in.GetSessionSecret()); err != nil {
		return nil, err
	}
	return &gatehousev1.GetAccountResponse{Identity: a.identity, Applications: a.applications}, nil
}

func (a *accounts) DisconnectGrants(_ context.Context, in *gatehousev1.DisconnectGrantsRequest, _ ...grpc.CallOption) (*gatehousev1.DisconnectGrantsResponse, error) {
	if err := a.check(in.GetSessionSecret()); err != nil {
		return nil, err
	}
	a.disconnected = append(a.disconnected, in)
	return &gatehousev1.DisconnectGrantsResponse{}, nil
}

func (a *accounts) EndAccountSession(_ context.Context, in *gatehousev1.EndAccountSessionRequest, _ ...grpc.CallOption) (*gatehousev1.EndAccountSessionResponse, error) {
	if err := a.check(in.GetSessionSecret()); err != nil {
		return nil, err
	}
	a.signedOut++
	return &gatehousev1.EndAccountSessionResponse{}, nil
}
