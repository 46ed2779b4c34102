package admin

import (
	"context"
	"fmt"
	"strings"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// ListClients lists every client.
func (a *Admin) ListClients(ctx context.Context) error {
	all := &gatehousev1.ListClientsResponse{}
	for token := ""; ; {
		page, err := call(ctx, a.client.ListClients, &gatehousev1.ListClientsRequest{PageSize: pageSize, PageToken: token})
		if err != nil {
			return err
		}
		all.Clients = append(all.Clients, page.GetClients()...)
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	var rows [][]string
	for _, client := range all.GetClients() {
		rows = append(rows, []string{
			client.GetClientId(), client.GetClientName(), origin(client), client.GetTokenEndpointAuthMethod(),
			when(client.GetCreateTime()), when(client.GetLastUsedTime()),
		})
	}
	return a.print(all, "CLIENT\tNAME\tORIGIN\tAUTHENTICATES BY\tREGISTERED\tLAST LOGIN", rows)
}

// ShowClient shows one client.
func (a *Admin) ShowClient(ctx context.Context, id string) error {
	response, err := call(ctx, a.client.GetClient, &gatehousev1.GetClientRequest{ClientId: id})
	if err != nil {
		return err
	}
	return a.printClient(response.GetClient())
}

// CreateClient registers a client. Its secret is printed this once.
func (a *Admin) CreateClient(ctx context.Context, name, method string, redirectURIs []string) error {
	created, err := call(ctx, a.client.CreateClient, &gatehousev1.CreateClientRequest{Metadata: &gatehousev1.RegisterClientRequest{
		ClientName: name, TokenEndpointAuthMethod: method, RedirectUris: redirectURIs,
	}})
	if err != nil {
		return err
	}
	if a.console.JSON {
		return a.print(created, "", nil)
	}
	if err := a.printClient(created.GetClient()); err != nil {
		return err
	}
	if created.ClientSecret != nil {
		_, err = fmt.Fprintf(a.console.Out, "\nSecret, shown this once: %s\n", created.GetClientSecret())
	}
	return err
}

// DeleteClient deletes a client and ends its logins.
func (a *Admin) DeleteClient(ctx context.Context, id string) error {
	if err := a.console.Confirm(ctx, "Delete client "+id+" and end its logins?"); err != nil {
		return err
	}
	deleted, err := call(ctx, a.client.DeleteClient, &gatehousev1.DeleteClientRequest{ClientId: id})
	if err != nil {
		return err
	}
	return a.print(deleted, "LOGINS ENDED", [][]string{{fmt.Sprint(deleted.GetRevokedGrants())}})
}

func (a *Admin) printClient(client *gatehousev1.Client) error {
	return a.print(client, "FIELD\tVALUE", [][]string{
		{"client", client.GetClientId()},
		{"name", client.GetClientName()},
		{"origin", origin(client)},
		{"redirect URIs", strings.Join(client.GetRedirectUris(), " ")},
		{"authenticates by", client.GetTokenEndpointAuthMethod()},
		{"grant types", strings.Join(client.GetGrantTypes(), " ")},
		{"scopes", strings.Join(client.GetScopes(), " ")},
		{"registered", when(client.GetCreateTime())},
		{"last login", when(client.GetLastUsedTime())},
		{"software", strings.TrimSpace(client.GetSoftwareId() + " " + client.GetSoftwareVersion())},
	})
}

func origin(client *gatehousev1.Client) string {
	return strings.ToLower(strings.TrimPrefix(client.GetOrigin().String(), "ORIGIN_"))
}
