// Package verify answers whether an access token is good: signature, issuer, audience, expiry, the grant's state, and
// that the provider's token behind it still holds.
package verify

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/gatehouse-auth/gatehouse/server/credential"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/token"
)

// Reason says why a token is not active.
type Reason string

// Reasons. The empty reason belongs to an active token.
const (
	Malformed         Reason = "malformed"
	Signature         Reason = "signature"
	Issuer            Reason = "issuer"
	Audience          Reason = "audience"
	Expired           Reason = "expired"
	Revoked           Reason = "revoked"
	UnknownGrant      Reason = "unknown_grant"
	Upstream          Reason = "upstream"
	InsufficientScope Reason = "insufficient_scope"
)

// Parser checks what a token itself says.
type Parser interface {
	Parse(token string) (token.Claims, error)
}

// Keys are those that the parser knows.
type Keys interface {
	// Refresh reads them again. An error is an outage.
	Refresh(ctx context.Context) error
}

// Grants reads grants.
type Grants interface {
	Evidence(ctx context.Context, grantID string) (storage.Evidence, error)
}

// Keeper says whether the provider still stands behind a credential.
type Keeper interface {
	Standing(ctx context.Context, known storage.Confirmation) (credential.Standing, error)
}

// Deps is what a Verifier needs.
type Deps struct {
	Parser Parser
	Keys   Keys
	Grants Grants
	Keeper Keeper
	Now    func() time.Time
}

// Config bounds what the verifier remembers.
type Config struct {
	// CacheSize is the most tokens that are remembered.
	CacheSize int
	// RecheckInterval is how long a verdict stands while its token is used, before grant and provider are asked again.
	RecheckInterval time.Duration
}

// Request asks about a token.
type Request struct {
	Token          secret.Text
	Resource       string
	RequiredScopes []string
	Strict         bool // read the store for this answer
}

// Verdict is the answer. Only an active one, or one that lacks a scope, has more than Reason. Callers share it, so nobody
// changes one.
type Verdict struct {
	Reason Reason
	Claims token.Claims
	Scopes oauth.Scopes
	User   storage.User
}

// Active reports whether the token is good.
func (v *Verdict) Active() bool { return v.Reason == "" }

// maxLooks bounds how often a token is looked at for one answer. Each time but the first something must have happened that
// made every verdict stale, and that does not come in such numbers.
const maxLooks = 4

// errUnsettled is why a token got no verdict at all.
var errUnsettled = errors.New("verify: verdicts grew stale as fast as they were formed")

// sight is a verdict and the epoch in which it was begun.
type sight struct {
	verdict *Verdict
	epoch   uint64
}

// Verifier answers requests. It remembers verdicts on tokens that were good.
type Verifier struct {
	deps   Deps
	config Config
	cache  *cache
	flight singleflight.Group
}

// New returns a Verifier.
func New(deps Deps, config Config) (*Verifier, error) {
	cache, err := newCache(config.CacheSize, config.RecheckInterval)
	if err != nil {
		return nil, err
	}
	return &Verifier{deps: deps, config: config, cache: cache}, nil
}

// Verify answers a request. An error is an outage and says nothing about the token.
func (v *Verifier) Verify(ctx context.Context, request Request) (*Verdict, error) {
	if len(request.Token.Reveal()) > token.MaxLength {
		return &Verdict{Reason: Malformed}, nil
	}
	verdict, err := v.verdict(ctx, request)
	if err != nil || !verdict.Active() {
		return verdict, err
	}
	return verdict.restrict(request), nil
}

// Revoked makes the end of grants visible at once. It is told after the store knows.
func (v *Verifier) Revoked(grantIDs ...string) { v.cache.revoke(v.deps.Now(), grantIDs) }

// Forget drops every verdict, for when a key is gone or the outbox could not be read.
func (v *Verifier) Forget() { v.cache.forget() }

// verdict is the part of the answer that does not depend on who asks.
func (v *Verifier) verdict(ctx context.Context, request Request) (*Verdict, error) {
	key := request.Token.Hash()
	if !request.Strict {
		if verdict, ok := v.cache.get(key, v.deps.Now()); ok {
			return verdict, nil
		}
	}
	return v.form(ctx, key, request)
}

// form reaches a verdict on a token that is not remembered.
//
// What ends a token while the store and the provider are asked, which may take seconds, counts as well: an answer that is
// given after a revocation was acknowledged is never active. A look that is stale in another way is taken again, which is
// quick, since the provider's word of a moment ago stands.
func (v *Verifier) form(ctx context.Context, key secret.Hash, request Request) (*Verdict, error) {
	for range maxLooks {
		seen, err := v.look(ctx, key, request)
		switch {
		case err != nil:
			return nil, err
		case !seen.verdict.Active():
			return seen.verdict, nil
		case v.cache.isRevoked(seen.verdict.Claims.GrantID):
			return &Verdict{Reason: Revoked}, nil
		case v.cache.stands(seen.verdict, seen.epoch):
			return seen.verdict, nil
		}
	}
	return nil, oauth.Unavailable(errUnsettled)
}

// look takes one look at the token, the store and the provider. The epoch is read before any of them: what is forgotten
// from here on makes the look stale.
func (v *Verifier) look(ctx context.Context, key secret.Hash, request Request) (sight, error) {
	epoch := v.cache.epoch()
	claims, reason, err := v.parse(ctx, request.Token)
	if err != nil {
		return sight{}, oauth.Unavailable(err)
	}
	if reason != "" {
		return sight{&Verdict{Reason: reason}, epoch}, nil
	}
	if request.Strict {
		return v.examine(ctx, key, claims, epoch)
	}
	// Callers that wait for the same token share one look at the store. It outlives the first caller's patience.
	shared, err, _ := v.flight.Do(string(key.Bytes()), func() (any, error) {
		return v.examine(context.WithoutCancel(ctx), key, claims, epoch)
	})
	if err != nil {
		return sight{}, err
	}
	return shared.(sight), nil
}

// restrict applies what the caller demands: audience first, so that a token for another resource says nothing more.
func (v *Verdict) restrict(request Request) *Verdict {
	if v.Claims.Audience != request.Resource {
		return &Verdict{Reason: Audience}
	}
	if !v.Scopes.ContainsAll(request.RequiredScopes) {
		return &Verdict{Reason: InsufficientScope, Scopes: v.Scopes}
	}
	return v
}

// parse checks form, signature, issuer and expiry. A key that another replica made a moment ago is looked for.
func (v *Verifier) parse(ctx context.Context, text secret.Text) (token.Claims, Reason, error) {
	claims, err := v.deps.Parser.Parse(text.Reveal())
	if errors.Is(err, token.ErrUnknownKey) {
		if err := v.deps.Keys.Refresh(ctx); err != nil {
			return claims, "", err
		}
		claims, err = v.deps.Parser.Parse(text.Reveal())
	}
	switch {
	case err == nil:
		return claims, "", nil
	case errors.Is(err, token.ErrExpired):
		return claims, Expired, nil
	case errors.Is(err, token.ErrIssuer):
		return claims, Issuer, nil
	case errors.Is(err, token.ErrSignature):
		return claims, Signature, nil
	}
	return claims, Malformed, nil
}

// examine asks the store and the provider, and remembers a good answer.
func (v *Verifier) examine(ctx context.Context, key secret.Hash, claims token.Claims, epoch uint64) (sight, error) {
	now := v.deps.Now()
	evidence, err := v.deps.Grants.Evidence(ctx, claims.GrantID)
	if errors.Is(err, storage.ErrNotFound) {
		return sight{&Verdict{Reason: UnknownGrant}, epoch}, nil
	}
	if err != nil {
		return sight{}, oauth.Unavailable(err)
	}
	if reason := compare(evidence.Grant, claims, now); reason != "" {
		return sight{&Verdict{Reason: reason}, epoch}, nil
	}
	standing, err := v.deps.Keeper.Standing(ctx, evidence.Confirmation)
	if err != nil {
		return sight{}, err
	}
	if !standing.Held {
		return sight{&Verdict{Reason: Upstream}, epoch}, nil
	}
	scopes, err := oauth.ParseScopes(claims.Scope)
	if err != nil {
		return sight{&Verdict{Reason: Malformed}, epoch}, nil
	}
	verdict := &Verdict{Claims: claims, Scopes: scopes, User: evidence.User}
	v.cache.put(key, verdict, epoch, earliest(now.Add(v.config.RecheckInterval), standing.Until))
	return sight{verdict, epoch}, nil
}

// compare holds a token against its grant. A signature proves who made the token; the grant proves that it was issued,
// so a stolen signing key alone forges nothing.
func compare(grant storage.Grant, claims token.Claims, now time.Time) Reason {
	switch {
	case !grant.RevokeTime.IsZero(), !now.Before(grant.ExpireTime):
		return Revoked
	case grant.ClientID != claims.ClientID, grant.UserID != claims.Subject, grant.Resource != claims.Audience:
		return UnknownGrant
	}
	return ""
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
