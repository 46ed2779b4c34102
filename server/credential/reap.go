package credential

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

// giveUpAfter is how long the provider is asked to take back tokens that nobody needs.
const giveUpAfter = 7 * 24 * time.Hour

// ReaperDeps is what a Reaper needs.
type ReaperDeps struct {
	Store    storage.Credentials
	Returner Returner
	Now      func() time.Time
	Logger   *slog.Logger
}

// Reaper deletes credentials that nobody needs any more.
type Reaper struct {
	deps ReaperDeps

	mu   sync.Mutex
	owed *storage.Credential // deleted, and not yet given back
}

// NewReaper returns a Reaper.
func NewReaper(deps ReaperDeps) *Reaper { return &Reaper{deps: deps} }

// Reap deletes what no grant needs any more and gives it back to the provider. The guarded deletion comes first: whoever
// gets the row is the only one to give it back, and a login that comes meanwhile is seen as a new one.
//
// While the provider is out of reach nothing more is deleted, so that an outage leaves the tokens in the store. The one
// that was deleted when the outage showed is kept in memory and is first at the next call. It returns how many
// credentials are gone.
func (r *Reaper) Reap(ctx context.Context, limit int) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if owed := r.owed; owed != nil {
		r.owed = nil
		if err := r.giveBack(ctx, *owed); err != nil || r.owed != nil {
			return 0, err
		}
	}
	now := r.deps.Now()
	unused, err := r.deps.Store.UnusedCredentials(ctx, now, limit)
	if err != nil {
		return 0, err
	}
	gone := 0
	for _, record := range unused {
		deleted, err := r.deps.Store.DeleteCredential(ctx, record.ID, record.Version, now)
		switch {
		case errors.Is(err, storage.ErrUnavailable):
			return gone, err
		case err != nil:
			continue // in use again, or another replica's
		}
		gone++
		if err := r.giveBack(ctx, deleted); err != nil || r.owed != nil {
			return gone, err
		}
	}
	return gone, nil
}

// giveBack returns tokens whose row is deleted. On an outage they stay owed, for a week. The error is the store's.
func (r *Reaper) giveBack(ctx context.Context, deleted storage.Credential) error {
	err := r.deps.Returner.Return(ctx, deleted)
	if err == nil {
		return nil
	}
	outage := errors.Is(err, storage.ErrUnavailable)
	if (outage || isOutage(err)) && r.deps.Now().Before(deleted.UpdateTime.Add(giveUpAfter)) {
		r.owed = &deleted
	}
	if outage {
		return err
	}
	r.deps.Logger.WarnContext(ctx, "unused tokens were not given back to the provider", "credential", deleted.ID, "error", err)
	return nil
}

// isOutage reports whether a failure is about the provider and not about the token that it was to take back.
func isOutage(err error) bool {
	failure, ok := errors.AsType[*upstream.Error](err)
	return ok && (failure.Kind == upstream.KindUnavailable || failure.Kind == upstream.KindMisconfigured)
}
