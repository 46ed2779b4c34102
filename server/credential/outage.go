package credential

import (
	"context"
	"log/slog"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

// retryDelay is how long a provider that failed is left alone at least, for each credential.
const retryDelay = 5 * time.Second

// fail records that the provider could not answer, and leaves it alone for a moment, or for as long as it wishes.
func (k *Keeper) fail(id string, known knowledge, cause error) (Standing, error) {
	level := slog.LevelWarn
	if upstream.KindOf(cause) == upstream.KindMisconfigured {
		level = slog.LevelError // nobody but the operator can mend it
	}
	k.deps.Logger.Log(context.Background(), level, "the provider could not confirm a credential", "credential", id, "error", cause)
	known.retry = k.deps.Now().Add(max(retryDelay, upstream.RetryAfter(cause)))
	k.known.Set(id, known)
	return k.stale(known, cause)
}

// stale lets the last word of the provider stand while it cannot answer: a yes within bounds, a no for good.
func (k *Keeper) stale(known knowledge, cause error) (Standing, error) {
	if !known.refused.IsZero() {
		return Standing{}, nil
	}
	now := k.deps.Now()
	due := k.fresh(known).Until
	if now.Before(due.Add(k.config.MaxStaleness)) {
		return Standing{Held: true, Until: later(due, now.Add(retryDelay))}, nil
	}
	outage := oauth.NewError(oauth.TemporarilyUnavailable, "The identity provider cannot be reached. Try again in a moment.")
	outage.RetryAfter = max(retryDelay, known.retry.Sub(now))
	return Standing{}, outage.WithCause(cause)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
