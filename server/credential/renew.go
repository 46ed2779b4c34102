package credential

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/identifier"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

const (
	// waitTimeout bounds the wait for a renewal of another replica.
	waitTimeout = 5 * time.Second
	waitStep    = 50 * time.Millisecond
	// storeAttempts is how often a renewed token is offered to a store that fails: the old one may be spent.
	storeAttempts = 4
	storeStep     = 250 * time.Millisecond
)

// renew renews a credential, once across all replicas. The lease is written before the refresh token is presented, so
// that a crash in between is known to the next holder. What a crash leads to at each point is in docs/decisions.md.
func (k *Keeper) renew(ctx context.Context, record storage.Credential, tokens upstream.Tokens, known knowledge) (Standing, error) {
	now := k.deps.Now()
	lease, err := k.deps.Store.BeginRenewal(ctx, record.ID, record.Version, now, now.Add(k.config.LeaseTTL))
	switch {
	case errors.Is(err, storage.ErrConflict):
		return k.wait(ctx, record, known)
	case err != nil:
		return Standing{}, oauth.Unavailable(err)
	}
	if lease.Credential.Attempts > 1 {
		k.deps.Logger.WarnContext(ctx, "renewing a credential after an attempt with an unknown outcome",
			"credential", record.ID, "attempt", lease.Credential.Attempts)
	}
	login, err := k.present(ctx, tokens)
	switch kind := upstream.KindOf(err); {
	case err == nil && isAnother(record, login.Identity):
		return k.end(ctx, lease, errors.New("the provider answered for another person"), known)
	case err == nil:
		return k.keep(ctx, lease, login.Tokens, known, nil)
	case kind == upstream.KindInvalidGrant, kind == upstream.KindAnotherSubject:
		return k.end(ctx, lease, err, known)
	case !login.Tokens.RefreshToken.IsEmpty():
		return k.keep(ctx, lease, login.Tokens, known, err)
	}
	if err := k.deps.Store.AbandonRenewal(ctx, record.ID, lease.Fence); errors.Is(err, storage.ErrUnavailable) {
		return Standing{}, oauth.Unavailable(err)
	}
	return k.fail(record.ID, known, err)
}

// present uses the refresh token. The time for it is half of the lease: the request that is then under way and the
// storing of its answer have the other half, since who comes after the lease presents the token again.
func (k *Keeper) present(ctx context.Context, tokens upstream.Tokens) (upstream.Login, error) {
	ctx, cancel := context.WithTimeout(ctx, k.config.LeaseTTL/2)
	defer cancel()
	return k.deps.Provider.Renew(ctx, tokens)
}

// isAnother reports whether a renewal answered for somebody else. A provider may leave the identity out.
func isAnother(record storage.Credential, identity upstream.Identity) bool {
	return identity.Subject != "" && identifier.User(record.Provider, identity.Issuer, identity.Subject) != record.UserID
}

// keep stores the tokens of an answer. unverified is why the answer could not be verified, nil when it was. Of such an
// answer only the refresh token is kept, since the one before may be spent, and it confirms nothing: the last confirmation
// stands as long as it would without an answer.
func (k *Keeper) keep(
	ctx context.Context, lease storage.Lease, tokens upstream.Tokens, known knowledge, unverified error,
) (Standing, error) {
	confirmed := k.deps.Now()
	if unverified != nil {
		confirmed = known.confirmed
		if confirmed.IsZero() {
			confirmed = lease.Credential.UpdateTime
		}
	}
	switch err := k.store(ctx, lease, tokens, confirmed); {
	case errors.Is(err, storage.ErrConflict):
		return k.superseded(ctx, lease.Credential.ID, known)
	case err != nil:
		return Standing{}, oauth.Unavailable(err)
	case unverified == nil:
		return k.confirm(lease.Credential.ID, lease.Credential.Version+1), nil
	}
	known.version = lease.Credential.Version + 1
	return k.fail(lease.Credential.ID, known, unverified)
}

// store writes tokens, with the time of the last confirmation, before anybody uses them.
func (k *Keeper) store(ctx context.Context, lease storage.Lease, tokens upstream.Tokens, confirmed time.Time) error {
	renewed, err := k.deps.Vault.Renewed(lease.Credential, tokens, confirmed)
	if err != nil {
		return err
	}
	for attempt := range storeAttempts {
		err = k.deps.Store.FinishRenewal(ctx, renewed, lease.Fence)
		if !errors.Is(err, storage.ErrUnavailable) {
			break
		}
		k.deps.Logger.ErrorContext(ctx, "renewed tokens could not be stored", "credential", renewed.ID, "attempt", attempt+1, "error", err)
		pause(ctx, storeStep<<attempt)
	}
	return err
}

// superseded answers when another login or another holder was there first. What it left in the store stands.
func (k *Keeper) superseded(ctx context.Context, id string, known knowledge) (Standing, error) {
	current, err := k.deps.Store.Credential(ctx, id)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return Standing{}, nil
	case err != nil:
		return Standing{}, oauth.Unavailable(err)
	}
	if current.Version != known.version {
		known = k.recall(current.Confirmation())
	}
	return k.stale(known, errors.New("credential: another renewal came first"))
}

// end revokes the grants of a credential that the provider has refused for good.
func (k *Keeper) end(ctx context.Context, lease storage.Lease, cause error, known knowledge) (Standing, error) {
	ids, err := k.deps.Store.EndCredential(ctx, lease.Credential.ID, lease.Fence, k.deps.Now(), storage.RevokedByUpstream)
	switch {
	case errors.Is(err, storage.ErrConflict):
		return k.superseded(ctx, lease.Credential.ID, known) // a new login may have replaced what was refused
	case err != nil:
		return Standing{}, oauth.Unavailable(err)
	}
	k.deps.Revoker.Revoked(ids...)
	k.deps.Logger.WarnContext(ctx, "the provider ended a credential",
		"credential", lease.Credential.ID, "grants", len(ids), "error", cause)
	return Standing{}, nil
}

// lapse ends the grants of a credential that cannot be renewed and is over. Only a login brings it back, and a client goes
// to one when its refresh token is refused; until then it would refresh and be turned away for ever. The lease keeps a
// login that comes meanwhile out of it.
func (k *Keeper) lapse(ctx context.Context, record storage.Credential, cause error, known knowledge) (Standing, error) {
	now := k.deps.Now()
	known.refused = now // unless another login came first
	lease, err := k.deps.Store.BeginRenewal(ctx, record.ID, record.Version, now, now.Add(k.config.LeaseTTL))
	switch {
	case errors.Is(err, storage.ErrConflict):
		return k.superseded(ctx, record.ID, known)
	case err != nil:
		return Standing{}, oauth.Unavailable(err)
	}
	return k.end(ctx, lease, cause, known)
}

// wait lets another replica finish its renewal. Meanwhile the last confirmation stands, if it is fresh enough.
func (k *Keeper) wait(ctx context.Context, record storage.Credential, known knowledge) (Standing, error) {
	if standing, err := k.stale(known, nil); err == nil {
		return standing, nil
	}
	ctx, cancel := context.WithTimeout(ctx, waitTimeout)
	defer cancel()
	for pause(ctx, waitStep) {
		current, err := k.deps.Store.Credential(ctx, record.ID)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			return Standing{}, nil
		case err != nil:
			return Standing{}, oauth.Unavailable(err)
		case current.Version != record.Version:
			// A renewal that was verified left its time; one that was not leaves the last confirmation as it is.
			return k.stale(k.recall(current.Confirmation()), errors.New("credential: the renewal of another replica was not verified"))
		case current.LeaseTime.IsZero():
			return k.stale(known, errors.New("credential: the renewal of another replica failed"))
		}
	}
	return k.stale(known, errors.New("credential: the renewal of another replica takes too long"))
}

// pause waits, and reports whether the context still stands.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
