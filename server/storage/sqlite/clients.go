package sqlite

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const clientColumns = `id, origin, name, auth_method, secret_hash, redirect_uris, grant_types, scopes,
	application_type, client_uri, logo_uri, software_id, software_version, create_time, last_used_time`

// clientFields matches clientColumns.
func clientFields(c *storage.Client) []any {
	return []any{
		&c.ID, &c.Origin, &c.Name, &c.AuthMethod,
		optionalDigest{&c.SecretHash},
		list{&c.RedirectURIs},
		list{&c.GrantTypes},
		list{&c.Scopes},
		&c.ApplicationType, &c.ClientURI, &c.LogoURI, &c.SoftwareID,
		&c.SoftwareVersion,
		instant{&c.CreateTime},
		instant{&c.LastUsedTime},
	}
}

// clientAuthenticationFields matches the columns of selectClientAuthentication.
func clientAuthenticationFields(c *storage.ClientAuthentication) []any {
	return []any{
		&c.ID, &c.Origin, &c.AuthMethod, optionalDigest{&c.SecretHash}, list{&c.GrantTypes}, instant{&c.LastUsedTime},
	}
}

const (
	insertClient = `INSERT INTO clients (` + clientColumns + `)
		SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
		WHERE ? <> 'dynamic' OR (` + countUnused + `) < ?`

	countUnused = `SELECT count(*) FROM clients WHERE origin = 'dynamic' AND last_used_time IS NULL`

	dropUnused = `DELETE FROM clients WHERE id IN (
		SELECT c.id FROM clients c
		WHERE c.origin = 'dynamic' AND c.last_used_time IS NULL AND NOT (` + clientInUse + `)
		ORDER BY c.create_time LIMIT ?)
		RETURNING id`

	selectClient = `SELECT ` + clientColumns + ` FROM clients WHERE id = ?`

	selectClientAuthentication = `SELECT id, origin, auth_method, secret_hash, grant_types, last_used_time
		FROM clients WHERE id = ?`

	selectClients = `SELECT ` + clientColumns + ` FROM clients
		ORDER BY create_time DESC, id DESC LIMIT ?`

	selectClientsAfter = `SELECT ` + clientColumns + ` FROM clients WHERE (create_time, id) < (?, ?)
		ORDER BY create_time DESC, id DESC LIMIT ?`
)

// CreateClient implements storage.Clients.
func (s *Store) CreateClient(ctx context.Context, client storage.Client, maxUnused int) error {
	return s.write(ctx, "create client", func(tx *session) error {
		return changeBounded(func() (bool, error) {
			inserted, err := tx.insert(insertClient, append(clientFields(&client), client.Origin, maxUnused)...)
			return inserted > 0, err
		}, func() error { return evictClients(tx, client.CreateTime, maxUnused) })
	})
}

// evictClients deletes the oldest clients that were never used until there is room for one more.
func evictClients(tx *session, now time.Time, limit int) error {
	excess, err := excessOf(tx, limit, countUnused)
	if err != nil {
		return err
	}
	evicted, err := tx.texts(dropUnused, at(now), at(now), at(now), excess)
	if err == nil && len(evicted) < excess {
		return storage.ErrLimit
	}
	for _, id := range evicted {
		if err := dropAuthorizations(tx, id); err != nil {
			return err
		}
	}
	return err
}

// dropAuthorizations deletes what a client leaves behind that is no grant yet.
func dropAuthorizations(tx *session, clientID string) error {
	if err := tx.run(`DELETE FROM transactions WHERE client_id = ?`, clientID); err != nil {
		return err
	}
	return tx.run(`DELETE FROM codes WHERE client_id = ?`, clientID)
}

// Client implements storage.Clients.
func (s *Store) Client(ctx context.Context, id string) (client storage.Client, err error) {
	err = s.reader.lookup(ctx, clientFields(&client), selectClient, id)
	return client, answer("read client", err)
}

// ClientAuthentication implements storage.Clients.
func (s *Store) ClientAuthentication(
	ctx context.Context, id string,
) (client storage.ClientAuthentication, err error) {
	err = s.reader.lookup(ctx, clientAuthenticationFields(&client), selectClientAuthentication, id)
	return client, answer("read client", err)
}

// ListClients implements storage.Clients.
func (s *Store) ListClients(ctx context.Context, page storage.Page) ([]storage.Client, error) {
	query, args := selectClients, []any{page.Limit}
	if !page.After.IsZero() {
		query, args = selectClientsAfter, []any{at(page.After.CreateTime), page.After.ID, page.Limit}
	}
	rows, err := s.reader.query(ctx, query, args...)
	clients, err := collect(rows, err, clientFields)
	return clients, answer("list clients", err)
}

// DeleteClient implements storage.Clients.
func (s *Store) DeleteClient(ctx context.Context, id string, now time.Time) (revoked []string, err error) {
	err = s.write(ctx, "delete client", func(tx *session) error {
		deleted, err := tx.change(`DELETE FROM clients WHERE id = ?`, id)
		if err != nil {
			return err
		}
		if deleted == 0 {
			return storage.ErrNotFound
		}
		if err := dropAuthorizations(tx, id); err != nil {
			return err
		}
		revoked, err = revoke(tx, storage.GrantFilter{ClientID: id, Now: now}, storage.RevokedByClientDeleted)
		return err
	})
	if err != nil {
		return nil, err
	}
	return revoked, nil
}
