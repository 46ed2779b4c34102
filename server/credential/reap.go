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

// Reap deletes what no grant needs any more and gives it back to the provider. The guarded deletion comes first: whoever
// gets the row is the only one to give it back, and a login that comes meanwhile is seen as a new one.
//
// While the provider is out of reach nothing more is deleted, so that an outage leaves the tokens in the store. The one
// that was deleted when the outage showed is kept in memory and is first at the next call. It returns how many
// credentials are gone.
func (k *Keeper) Reap(ctx context.Context, limit int) (int, error) {
	k.reaping.Lock()
	defer k.reaping.Unlock()
	if owed := k.owed; owed != nil {
		k.owed = nil
		if err := k.giveBack(ctx, *owed); err != nil || k.owed != nil {
			return 0, err
		}
	}
	now := k.deps.Now()
	unused, err := k.deps.Store.UnusedCredentials(ctx, now, limit)
	if err != nil {
		return 0, err
	}
	gone := 0
	for _, record := range unused {
		deleted, err := k.deps.Store.DeleteCredential(ctx, record.ID, record.Version, now)
		switch {
		case errors.Is(err, storage.ErrUnavailable):
			return gone, err
		case err != nil:
			continue // in use again, or another replica's
		}
		gone++
		if err := k.giveBack(ctx, deleted); err != nil || k.owed != nil {
			return gone, err
		}
	}
	return gone, nil
}

// giveBack returns tokens whose row is deleted. On an outage they stay owed, for a week. The error is the store's.
func (k *Keeper) giveBack(ctx context.Context, deleted storage.Credential) error {
	err := k.returner.Return(ctx, deleted)
	if err == nil {
		return nil
	}
	k.deps.Logger.WarnContext(ctx, "unused tokens were not given back to the provider", "credential", deleted.ID, "error", err)
	outage := errors.Is(err, storage.ErrUnavailable)
	if (outage || isOutage(err)) && k.deps.Now().Before(deleted.UpdateTime.Add(giveUpAfter)) {
		k.owed = &deleted
	}
	if outage {
		return err
	}
	return nil
}

// isOutage reports whether a failure is about the provider and not about the token that it was to take back.
func isOutage(err error) bool {
	failure, ok := errors.AsType[*upstream.Error](err)
	return ok && (failure.Kind == upstream.KindUnavailable || failure.Kind == upstream.KindMisconfigured)
}
