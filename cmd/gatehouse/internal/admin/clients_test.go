package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

var noon = timestamppb.New(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC))

// page returns a part of all, and the token of the next part.
func page[T any](all []T, size int32, token string) (part []T, next string) {
	var from int
	_, _ = fmt.Sscan(token, &from)
	to := min(from+int(size), len(all))
	if to < len(all) {
		next = fmt.Sprint(to)
	}
	return all[from:to], next
}

func (c *core) ListClients(
	_ context.Context, in *gatehousev1.ListClientsRequest,
) (*gatehousev1.ListClientsResponse, error) {
	part, next := page(c.clients, in.GetPageSize(), in.GetPageToken())
	return &gatehousev1.ListClientsResponse{Clients: part, NextPageToken: next}, c.err
}

func (c *core) CreateClient(
	_ context.Context, in *gatehousev1.CreateClientRequest,
) (*gatehousev1.CreateClientResponse, error) {
	return &gatehousev1.CreateClientResponse{
		Client:       &gatehousev1.Client{ClientId: "new", ClientName: in.GetMetadata().GetClientName()},
		ClientSecret: c.secret,
	}, c.err
}

func (c *core) DeleteClient(
	_ context.Context, in *gatehousev1.DeleteClientRequest,
) (*gatehousev1.DeleteClientResponse, error) {
	c.changes = append(c.changes, "delete client "+in.GetClientId())
	return &gatehousev1.DeleteClientResponse{RevokedGrants: 3}, c.err
}

func TestClientsAreATable(t *testing.T) {
	d := newDesk(&core{clients: []*gatehousev1.Client{{
		ClientId: "c", ClientName: "Reports", Origin: gatehousev1.Client_ORIGIN_OPERATOR,
		TokenEndpointAuthMethod: "client_secret_basic", CreateTime: noon,
	}}}, Console{})
	if err := d.ListClients(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.check(t,
		"CLIENT NAME ORIGIN AUTHENTICATES BY REGISTERED LAST LOGIN",
		"c Reports operator client_secret_basic 2026-11-24 12:00 -")
}

func TestNoClientsAreNone(t *testing.T) {
	d := newDesk(&core{}, Console{})
	if err := d.ListClients(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.check(t, "none")
}

func TestAllPagesAreOneAnswer(t *testing.T) {
	c := &core{}
	for i := range 2*pageSize + 1 {
		c.clients = append(c.clients, &gatehousev1.Client{ClientId: fmt.Sprint(i)})
	}
	table := newDesk(c, Console{})
	if err := table.ListClients(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rows := strings.Count(table.out.String(), "\n") - 1; rows != len(c.clients) {
		t.Errorf("%d rows of %d", rows, len(c.clients))
	}
	text := newDesk(c, Console{JSON: true})
	if err := text.ListClients(t.Context()); err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Clients []struct {
			ID string `json:"client_id"`
		} `json:"clients"`
		Next string `json:"next_page_token"`
	}
	if err := json.Unmarshal(text.out.Bytes(), &answer); err != nil || len(answer.Clients) != len(c.clients) || answer.Next != "" {
		t.Errorf("%d clients, next %q, %v", len(answer.Clients), answer.Next, err)
	}
}

func TestSecretOfANewClientIsShown(t *testing.T) {
	d := newDesk(&core{secret: new("s3cret")}, Console{})
	if err := d.CreateClient(t.Context(), "Reports", "client_secret_basic", nil); err != nil {
		t.Fatal(err)
	}
	if out := d.out.String(); !strings.HasSuffix(out, "\nSecret, shown this once: s3cret\n") {
		t.Errorf("printed\n%s", out)
	}
	public := newDesk(&core{}, Console{})
	if err := public.CreateClient(t.Context(), "App", "none", nil); err != nil {
		t.Fatal(err)
	}
	if out := public.out.String(); strings.Contains(out, "Secret") || !strings.Contains(out, "App") {
		t.Errorf("a public client: printed\n%s", out)
	}
}
