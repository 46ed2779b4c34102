package credential

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

// Provider is the identity provider, as far as kept tokens need it.
type Provider interface {
	// Confirm asks whether tokens still hold.
	Confirm(ctx context.Context, tokens upstream.Tokens) error
	// Renew uses the refresh token once.
	Renew(ctx context.Context, tokens upstream.Tokens) (upstream.Login, error)
}

// Revoker tells verifiers that grants have ended.
type Revoker interface {
	Revoked(grantIDs ...string)
}

// Deps is what a Keeper needs.
type Deps struct {
	Store    storage.Credentials
	Vault    Vault
	Provider Provider
	Revoker  Revoker
	Now      func() time.Time
	Logger   *slog.Logger
}

// Config bounds how long the provider is taken at its word.
type Config struct {
	// RecheckInterval is how long a confirmation stands.
	RecheckInterval time.Duration
	// MaxStaleness is how much longer it stands while the provider cannot answer.
	MaxStaleness time.Duration
	// RenewAhead is how long before its end the provider's access token is renewed.
	RenewAhead time.Duration
	// LeaseTTL is how long a renewal may take before another may take over: longer than any call to the provider.
	LeaseTTL time.Duration
	// CacheSize is the most credentials that are remembered.
	CacheSize int
}

// retryDelay is how long a provider that failed is left alone at least, for each credential.
const retryDelay = 5 * time.Second

// Keeper answers whether the provider still stands behind a credential, and renews it when due.
type Keeper struct {
	deps   Deps
	config Config
	known  *otter.Cache[string, knowledge]
	flight singleflight.Group
}

// knowledge is what this process has last heard about a credential.
type knowledge struct {
	version   int64
	confirmed time.Time // when the provider last said yes
	refused   time.Time // when the provider last said no, of a credential that cannot be renewed
	retry     time.Time // not to be asked before
}

// NewKeeper returns a Keeper.
func NewKeeper(deps Deps, config Config) (*Keeper, error) {
	known, err := otter.New(&otter.Options[string, knowledge]{MaximumSize: config.CacheSize})
	if err != nil {
		return nil, fmt.Errorf("credential: %w", err)
	}
	return &Keeper{deps: deps, config: config, known: known}, nil
}

// Standing is the provider's word on a credential.
type Standing struct {
	Held bool
	// Until is how long the answer may be used without asking again.
	Until time.Time
}

// Standing asks whether the provider still stands behind a credential. While the provider cannot answer, the last
// confirmation stands for MaxStaleness; after that the error is an outage, never a verdict.
func (k *Keeper) Standing(ctx context.Context, confirmation storage.Confirmation) (Standing, error) {
	if standing := k.fresh(k.recall(confirmation)); standing.Held {
		return standing, nil
	}
	// All grants of a user share the credential, and all their requests share one question.
	id := confirmation.CredentialID
	shared, err, _ := k.flight.Do(id, func() (any, error) { return k.ask(context.WithoutCancel(ctx), id) })
	if err != nil {
		return Standing{}, err
	}
	return shared.(Standing), nil
}

// fresh is the answer that needs no question, when there is one.
func (k *Keeper) fresh(known knowledge) Standing {
	until := known.confirmed.Add(k.config.RecheckInterval)
	return Standing{Held: k.deps.Now().Before(until), Until: until}
}

// recall is what is known of a credential: a login and a renewal are confirmations too, also those of other replicas. One
// that lies further ahead than skew explains was made by a clock that has been put right, and would stand for too long.
func (k *Keeper) recall(stored storage.Confirmation) knowledge {
	known, ok := k.known.GetIfPresent(stored.CredentialID)
	if !ok || known.version != stored.Version {
		known = knowledge{version: stored.Version, retry: known.retry}
	}
	now := k.deps.Now()
	horizon := now.Add(k.config.RecheckInterval)
	if known.confirmed.After(horizon) {
		known.confirmed = time.Time{}
	}
	if known.refused.After(now) {
		known.refused = time.Time{}
	}
	if known.retry.After(now.Add(upstream.MaxRetryAfter)) {
		known.retry = time.Time{}
	}
	if stored.UpdateTime.After(known.confirmed) && !stored.UpdateTime.After(horizon) {
		known.confirmed = stored.UpdateTime
	}
	return known
}

// ask has the provider confirm or renew, whichever is due.
func (k *Keeper) ask(ctx context.Context, id string) (Standing, error) {
	record, err := k.deps.Store.Credential(ctx, id)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return Standing{}, nil
	case err != nil:
		return Standing{}, oauth.Unavailable(err)
	}
	known := k.recall(record.Confirmation())
	if standing := k.fresh(known); standing.Held { // as another replica has written meanwhile
		return standing, nil
	}
	if k.deps.Now().Before(known.refused.Add(retryDelay)) {
		return Standing{}, nil
	}
	if k.deps.Now().Before(known.retry) {
		return k.stale(known, errors.New("credential: the provider failed a moment ago"))
	}
	tokens, err := k.deps.Vault.Open(record)
	if err != nil {
		return Standing{}, oauth.Unavailable(err)
	}
	if k.due(record) {
		return k.renew(ctx, record, tokens, known)
	}
	switch err := k.deps.Provider.Confirm(ctx, tokens); {
	case err == nil:
		return k.confirm(record.ID, record.Version), nil
	case upstream.KindOf(err) == upstream.KindNotHeld && record.HasRefreshToken:
		return k.renew(ctx, record, tokens, known) // only a refused renewal is a verdict
	case upstream.KindOf(err) == upstream.KindNotHeld:
		// Nothing makes these tokens good again, but whoever holds ours may ask on and on, at the expense of the provider.
		k.known.Set(record.ID, knowledge{version: record.Version, refused: k.deps.Now()})
		return Standing{}, nil
	default:
		return k.fail(record.ID, known, err)
	}
}

// due reports whether the access token is about to end and can be renewed.
func (k *Keeper) due(record storage.Credential) bool {
	return record.HasRefreshToken && !record.AccessExpireTime.IsZero() &&
		!k.deps.Now().Before(record.AccessExpireTime.Add(-k.config.RenewAhead))
}

// confirm records that the provider said yes.
func (k *Keeper) confirm(id string, version int64) Standing {
	now := k.deps.Now()
	k.known.Set(id, knowledge{version: version, confirmed: now})
	return Standing{Held: true, Until: now.Add(k.config.RecheckInterval)}
}

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
	fresh := known.confirmed.Add(k.config.RecheckInterval)
	if now.Before(fresh.Add(k.config.MaxStaleness)) {
		return Standing{Held: true, Until: later(fresh, now.Add(retryDelay))}, nil
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
