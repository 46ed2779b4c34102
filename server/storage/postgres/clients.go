package postgres

import (
	"context"
	"math"
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
		SELECT $1::text, $2::text, $3::text, $4::text, $5::bytea, $6::text[], $7::text[], $8::text[], $9::text,
			$10::text, $11::text, $12::text, $13::text, $14::timestamptz, $15::timestamptz
		WHERE (` + countUnused + `) < $16`

	countUnused = `SELECT count(*) FROM clients WHERE origin = 'dynamic' AND last_used_time IS NULL`

	// dropUnused locks as sweeps do.
	dropUnused = `DELETE FROM clients WHERE id = ANY(ARRAY(
		SELECT c.id FROM clients c
		WHERE c.origin = 'dynamic' AND c.last_used_time IS NULL AND NOT (` + clientInUse + `)
		ORDER BY c.create_time LIMIT $2 FOR UPDATE SKIP LOCKED))
		RETURNING id`

	dropTransactions = `WITH dropped AS (
			DELETE FROM transactions WHERE client_id = $1 RETURNING status, expire_time
		)
		SELECT count(*) FROM dropped WHERE status IN ('approved', 'claimed') AND expire_time > $2`

	selectClient = `SELECT ` + clientColumns + ` FROM clients WHERE id = $1`

	selectClientAuthentication = `SELECT id, origin, auth_method, secret_hash, grant_types, last_used_time
		FROM clients WHERE id = $1`

	selectClients = `SELECT ` + clientColumns + ` FROM clients ORDER BY create_time DESC, id DESC LIMIT $1`

	selectClientsAfter = `SELECT ` + clientColumns + ` FROM clients WHERE (create_time, id) < ($1, $2)
		ORDER BY create_time DESC, id DESC LIMIT $3`

	// markClient continues a statement whose part named "subject" has changed a row with a client_id. $1 is now.
	//
	// One client may serve many users, whose requests must not queue for its row. So a mark is good for a minute, and
	// nobody waits for somebody else who is about to set the same one.
	markClient = `marked AS (
			UPDATE clients SET last_used_time = $1 WHERE id = ANY(ARRAY(
				SELECT id FROM clients
				WHERE id = (SELECT client_id FROM subject)
					AND (last_used_time IS NULL OR last_used_time < $1::timestamptz - INTERVAL '1 minute')
				FOR UPDATE SKIP LOCKED))
		)`
)

// CreateClient implements storage.Clients.
func (s *Store) CreateClient(ctx context.Context, client storage.Client, maxUnused int) error {
	if client.Origin != storage.OriginDynamic {
		maxUnused = math.MaxInt
	}
	args := clientFields(&client)
	return s.changeBounded(ctx, "create client", bounded{
		turn: turnClients, limit: maxUnused,
		change: func(tx *session, below int) (bool, error) {
			inserted, err := tx.insert(insertClient, append(args, below)...)
			return inserted > 0, err
		},
		makeRoom: func(tx *session) error { return evictClients(tx, client.CreateTime, maxUnused) },
	})
}

// evictClients deletes the oldest clients that were never used until there is room for one more.
func evictClients(tx *session, now time.Time, limit int) error {
	excess, err := excessOf(tx, limit, countUnused)
	if err != nil || excess == 0 {
		return err
	}
	evicted, err := tx.texts(dropUnused, now, excess)
	if err != nil {
		return err
	}
	if len(evicted) < excess {
		return storage.ErrLimit
	}
	for _, id := range evicted {
		held, err := dropAuthorizations(tx, id, now)
		if err != nil {
			return err
		}
		if held > 0 { // since the client was chosen: it is not to go, so all of this is undone and done again
			return errMet
		}
	}
	return nil
}

// dropAuthorizations deletes what a client leaves behind that is no grant yet, in the order in which one becomes the
// other, so that an exchange under way is met at one of its ends. It returns how many transactions held the client.
func dropAuthorizations(tx *session, clientID string, now time.Time) (held int, err error) {
	if err := tx.row([]any{&held}, dropTransactions, clientID, now); err != nil {
		return 0, err
	}
	_, err = tx.change(`DELETE FROM codes WHERE client_id = $1`, clientID)
	return held, err
}

// Client implements storage.Clients.
func (s *Store) Client(ctx context.Context, id string) (client storage.Client, err error) {
	err = s.read(ctx, "read client", func(tx *session) error { return tx.row(clientFields(&client), selectClient, id) })
	return client, err
}

// ClientAuthentication implements storage.Clients.
func (s *Store) ClientAuthentication(
	ctx context.Context, id string,
) (client storage.ClientAuthentication, err error) {
	err = s.read(ctx, "read client", func(tx *session) error {
		return tx.row(clientAuthenticationFields(&client), selectClientAuthentication, id)
	})
	return client, err
}

// ListClients implements storage.Clients.
func (s *Store) ListClients(ctx context.Context, page storage.Page) (clients []storage.Client, err error) {
	query, args := selectClients, []any{page.Limit}
	if !page.After.IsZero() {
		query, args = selectClientsAfter, []any{page.After.CreateTime, page.After.ID, page.Limit}
	}
	err = s.read(ctx, "list clients", func(tx *session) (err error) {
		clients, err = collect(tx, clientFields, query, args...)
		return err
	})
	return clients, err
}

// DeleteClient implements storage.Clients. Grants go last, since codes become grants.
func (s *Store) DeleteClient(ctx context.Context, id string, now time.Time) (revoked []string, err error) {
	err = s.transact(ctx, "delete client", func(tx *session) error {
		deleted, err := tx.change(`DELETE FROM clients WHERE id = $1`, id)
		if err != nil {
			return err
		}
		if deleted == 0 {
			return storage.ErrNotFound
		}
		if _, err := dropAuthorizations(tx, id, now); err != nil {
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
