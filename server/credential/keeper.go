package credential

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
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
	// Patience is how long a request waits for the provider while its last word can stand in for the answer.
	Patience time.Duration
	// RenewAhead is how long before its end the provider's access token is renewed.
	RenewAhead time.Duration
	// LeaseTTL is how long a renewal may take before another may take over: longer than any call to the provider.
	LeaseTTL time.Duration
	// CacheSize is the most credentials that are remembered.
	CacheSize int
}

// closeTimeout bounds the wait for a provider at the end. The process has ten seconds.
const closeTimeout = 5 * time.Second

// lapseLeeway is how much later than the provider's our clock may say that an access token is over.
const lapseLeeway = time.Minute

// Keeper answers whether the provider still stands behind a credential, and renews it when due.
type Keeper struct {
	deps   Deps
	config Config
	known  *otter.Cache[string, knowledge]
	flight singleflight.Group
	asking sync.WaitGroup // questions under way, perhaps without those who asked
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
	known := k.recall(confirmation)
	if standing := k.fresh(known); standing.Held {
		return standing, nil
	}
	// All grants of a user share the credential, and all their requests share one question.
	id := confirmation.CredentialID
	asked := k.flight.DoChan(id, func() (any, error) { return k.question(context.WithoutCancel(ctx), id) })
	timer := time.NewTimer(k.config.Patience)
	defer timer.Stop()
	select {
	case answer := <-asked:
		return unwrap(answer)
	case <-timer.C:
	}
	// A provider that hangs would otherwise hang everybody's requests. The question goes on, for the next request.
	if standing, err := k.stale(known, nil); err == nil {
		return standing, nil
	}
	return unwrap(<-asked)
}

// question asks for all who wait. Its goroutine has nobody to recover a panic, which therefore becomes the answer.
func (k *Keeper) question(ctx context.Context, id string) (answer any, err error) {
	k.asking.Add(1)
	defer k.asking.Done()
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("credential: the question about %s panicked: %v\n\n%s", id, cause, debug.Stack())
			k.deps.Logger.ErrorContext(ctx, "a question to the provider panicked", "error", err) // whoever asked may have left
		}
	}()
	return k.ask(ctx, id)
}

func unwrap(answer singleflight.Result) (Standing, error) {
	if answer.Err != nil {
		return Standing{}, answer.Err
	}
	return answer.Val.(Standing), nil
}

// Close waits for answers that nobody waits for any more, since a renewed token has to be stored. A provider that takes
// longer than a process may is a crash at this point.
func (k *Keeper) Close() {
	settled := make(chan struct{})
	go func() {
		k.asking.Wait()
		close(settled)
	}()
	timer := time.NewTimer(closeTimeout)
	defer timer.Stop()
	select {
	case <-settled:
	case <-timer.C:
	}
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
	if known.confirmed.After(known.refused) { // another replica has heard better since
		known.refused = time.Time{}
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
		return k.record(ctx, record.Confirmation()), nil
	case upstream.KindOf(err) == upstream.KindNotHeld && record.HasRefreshToken:
		return k.renew(ctx, record, tokens, known) // only a refused renewal is a verdict
	case upstream.KindOf(err) == upstream.KindNotHeld && k.lapsed(record):
		return k.lapse(ctx, record, err, known)
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

// lapsed reports whether an access token is over by its own word, also for a clock that goes late.
func (k *Keeper) lapsed(record storage.Credential) bool {
	return !record.AccessExpireTime.IsZero() && !k.deps.Now().Before(record.AccessExpireTime.Add(lapseLeeway))
}

// record tells the other replicas, and this one after a restart, that the provider said yes. Where that fails, the
// confirmation stands here alone.
func (k *Keeper) record(ctx context.Context, confirmation storage.Confirmation) Standing {
	standing := k.confirm(confirmation.CredentialID, confirmation.Version)
	confirmation.UpdateTime = k.deps.Now()
	if err := k.deps.Store.RecordConfirmation(ctx, confirmation); err != nil {
		k.deps.Logger.WarnContext(ctx, "a confirmation by the provider could not be recorded",
			"credential", confirmation.CredentialID, "error", err)
	}
	return standing
}

// confirm remembers that the provider said yes.
func (k *Keeper) confirm(id string, version int64) Standing {
	now := k.deps.Now()
	k.known.Set(id, knowledge{version: version, confirmed: now})
	return Standing{Held: true, Until: now.Add(k.config.RecheckInterval)}
}
