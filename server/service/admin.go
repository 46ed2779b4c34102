package service

import (
	"context"
	"time"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/registration"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// defaultPageSize is the page size of a list whose request names none.
const defaultPageSize = 50

// AdminStore is what operators see and end.
type AdminStore interface {
	storage.Clients
	storage.Grants
}

// Revoker tells verifiers that grants have ended, or that nothing they remember can be relied on.
type Revoker interface {
	Revoked(grantIDs ...string)
	Forget()
}

// AdminDeps is what the AdminService needs.
type AdminDeps struct {
	Store     AdminStore
	Registrar Registrar
	Revoker   Revoker
	Pages     Pages
	Rings     []Ring // the keys of access tokens first
	Reseals   Reseals
	Now       func() time.Time
}

// Admin implements gatehouse.v1.AdminService.
type Admin struct {
	gatehousev1.UnimplementedAdminServiceServer
	deps AdminDeps
}

var _ gatehousev1.AdminServiceServer = (*Admin)(nil)

// NewAdmin returns the AdminService.
func NewAdmin(deps AdminDeps) *Admin { return &Admin{deps: deps} }

// CreateClient registers a client on behalf of an operator.
func (a *Admin) CreateClient(ctx context.Context, req *gatehousev1.CreateClientRequest) (*gatehousev1.CreateClientResponse, error) {
	registered, err := a.deps.Registrar.Register(ctx, clientMetadata(req.GetMetadata()), storage.OriginOperator)
	if err != nil {
		return nil, err
	}
	response := &gatehousev1.CreateClientResponse{Client: clientMessage(registered.Client)}
	if !registered.Secret.IsEmpty() {
		revealed := registered.Secret.Reveal()
		response.ClientSecret = &revealed
	}
	return response, nil
}

var _ Registrar = (*registration.Registrar)(nil)
