// Package seed fills a store with live grants that look like those of a company, to measure what their number costs. It
// goes round the use cases: a million logins would take hours.
package seed

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/credential"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage/transfer"
)

// ErrHasGrants means that the store is in use already.
var ErrHasGrants = errors.New("the store has grants already")

// batch is how many rows go into the store in one step.
const batch = 1000

// Population is how many of each there will be.
type Population struct {
	Grants, Users, Clients int
}

// Lifetimes are those of the server that the grants are for.
type Lifetimes struct {
	Grant, RefreshIdle time.Duration
}

// Deps is what seeding needs.
type Deps struct {
	Store    transfer.Target
	Vault    credential.Vault // seals as the server does
	Random   secret.Source
	Now      time.Time
	Resource string
	Scopes   []string
	Lifetimes
}

// Fill adds a population to a store. A store with grants is refused with ErrHasGrants unless force is set.
func Fill(ctx context.Context, deps Deps, population Population, force bool) error {
	if population.Grants < 1 || population.Users < 1 || population.Clients < 1 {
		return errors.New("at least one of each")
	}
	grants, err := deps.Store.Export(ctx, transfer.Grants(), nil, 1)
	if err != nil {
		return err
	}
	if len(grants) > 0 && !force {
		return ErrHasGrants
	}
	p := people{Deps: deps, Population: population}
	for _, step := range []func(context.Context) error{p.addClients, p.addUsers, p.addGrants} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return deps.Store.Finish(ctx, transfer.Counters{})
}

// people is a population in the making.
type people struct {
	Deps
	Population
	clients []string
	owners  []owner
}

// owner is what a grant refers to.
type owner struct{ user, credential string }

func (p *people) addClients(ctx context.Context) error {
	return inBatches(p.Clients, func(from, to int) error {
		var clients []transfer.Row
		for i := from; i < to; i++ {
			client := p.client(i)
			clients = append(clients, client)
			p.clients = append(p.clients, client.Key().Text)
		}
		return p.Store.Import(ctx, transfer.Clients(), clients)
	})
}

func (p *people) addUsers(ctx context.Context) error {
	return inBatches(p.Users, func(from, to int) error {
		var users, credentials []transfer.Row
		for i := from; i < to; i++ {
			user := p.user(i)
			record, err := p.credential(user, i)
			if err != nil {
				return err
			}
			users, credentials = append(users, userRow(user)), append(credentials, credentialRow(record))
			p.owners = append(p.owners, owner{user.ID, record.ID})
		}
		if err := p.Store.Import(ctx, transfer.Users(), users); err != nil {
			return err
		}
		return p.Store.Import(ctx, transfer.Credentials(), credentials)
	})
}

func (p *people) addGrants(ctx context.Context) error {
	return inBatches(p.Grants, func(from, to int) error {
		var grants []transfer.Row
		for i := from; i < to; i++ {
			grants = append(grants, p.grant(i))
		}
		return p.Store.Import(ctx, transfer.Grants(), grants)
	})
}

// inBatches calls add for ranges that cover all.
func inBatches(count int, add func(from, to int) error) error {
	for from := 0; from < count; from += batch {
		if err := add(from, min(from+batch, count)); err != nil {
			return err
		}
	}
	return nil
}
