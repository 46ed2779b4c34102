package service

import (
	"context"
	"errors"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// ListClients lists registered clients.
func (a *Admin) ListClients(ctx context.Context, req *gatehousev1.ListClientsRequest) (*gatehousev1.ListClientsResponse, error) {
	const query = "clients"
	page, err := a.deps.Pages.open(query, req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	clients, err := a.deps.Store.ListClients(ctx, page)
	if err != nil {
		return nil, oauth.Unavailable(err)
	}
	response := &gatehousev1.ListClientsResponse{}
	for _, client := range clients {
		response.Clients = append(response.Clients, clientMessage(client))
	}
	if len(clients) == page.Limit {
		last := clients[len(clients)-1]
		response.NextPageToken = a.deps.Pages.seal(query, storage.Cursor{CreateTime: last.CreateTime, ID: last.ID})
	}
	return response, nil
}

// GetClient returns one client.
func (a *Admin) GetClient(ctx context.Context, req *gatehousev1.GetClientRequest) (*gatehousev1.GetClientResponse, error) {
	client, err := a.deps.Store.Client(ctx, req.GetClientId())
	if err != nil {
		return nil, adminError(err, "There is no such client.")
	}
	return &gatehousev1.GetClientResponse{Client: clientMessage(client)}, nil
}

// DeleteClient deletes a client and revokes its grants.
func (a *Admin) DeleteClient(ctx context.Context, req *gatehousev1.DeleteClientRequest) (*gatehousev1.DeleteClientResponse, error) {
	id := req.GetClientId()
	if _, err := a.deps.Store.Client(ctx, id); err != nil {
		return nil, adminError(err, "There is no such client.")
	}
	before, err := a.revokeAll(ctx, storage.GrantFilter{ClientID: id}, storage.RevokedByClientDeleted)
	if err != nil {
		return nil, oauth.Unavailable(err)
	}
	revoked, err := a.deps.Store.DeleteClient(ctx, id, a.deps.Now())
	if err != nil {
		return nil, adminError(err, "There is no such client.")
	}
	a.deps.Revoker.Revoked(revoked...)
	return &gatehousev1.DeleteClientResponse{RevokedGrants: count(before + len(revoked))}, nil
}

// adminError tells a row that is not there from a store that does not answer.
func adminError(err error, notFound string) error {
	if errors.Is(err, storage.ErrNotFound) {
		return oauth.NewError(oauth.NotFound, notFound).WithCause(err)
	}
	return oauth.Unavailable(err)
}

func count(n int) int32 { return int32(min(n, 1<<31-1)) } //nolint:gosec // bounded in the same expression
