package credential

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

// giveUpAfter is how long the provider is asked to take back tokens that nobody needs.
const giveUpAfter = 7 * 24 * time.Hour

// Reap gives back to the provider what no grant needs any more, and deletes it. What the provider does not take back is
// tried again at the next call, for a week. It returns how many credentials are gone.
func (k *Keeper) Reap(ctx context.Context, limit int) (int, error) {
	now := k.deps.Now()
	unused, err := k.deps.Store.UnusedCredentials(ctx, now, limit)
	if err != nil {
		return 0, err
	}
	gone := 0
	for _, record := range unused {
		if err := k.giveBack(ctx, record); err != nil && now.Before(record.UpdateTime.Add(giveUpAfter)) {
			k.deps.Logger.WarnContext(ctx, "the provider did not take back unused tokens", "credential", record.ID, "error", err)
			continue
		}
		switch err := k.deps.Store.DeleteCredential(ctx, record.ID, record.Version, now); {
		case err == nil:
			gone++
		case errors.Is(err, storage.ErrUnavailable):
			return gone, err
		}
	}
	return gone, nil
}

func (k *Keeper) giveBack(ctx context.Context, record storage.Credential) error {
	tokens, err := k.deps.Vault.Open(record)
	if err != nil {
		return err
	}
	if err := k.deps.Provider.Revoke(ctx, tokens); err != nil && upstream.KindOf(err) != upstream.KindInvalidGrant {
		return err
	}
	return nil
}
