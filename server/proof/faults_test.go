package proof_test

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

// faultyStore says which step it has reached. Before a step nothing of it has happened, after it all of it is durable.
type faultyStore struct {
	storage.Store
	at func(point string)
}

func (s faultyStore) ClaimTransaction(ctx context.Context, state, browser secret.Hash, now time.Time) (storage.Transaction, error) {
	s.at("before ClaimTransaction")
	txn, err := s.Store.ClaimTransaction(ctx, state, browser, now)
	s.at("after ClaimTransaction")
	return txn, err
}

func (s faultyStore) CompleteTransaction(ctx context.Context, completion storage.Completion) error {
	s.at("before CompleteTransaction")
	err := s.Store.CompleteTransaction(ctx, completion)
	s.at("after CompleteTransaction")
	return err
}

func (s faultyStore) RedeemCode(ctx context.Context, hash secret.Hash, now time.Time, grant storage.Grant) error {
	s.at("before RedeemCode")
	err := s.Store.RedeemCode(ctx, hash, now, grant)
	s.at("after RedeemCode")
	return err
}

func (s faultyStore) RotateRefreshToken(ctx context.Context, rotation storage.Rotation) (storage.Rotated, error) {
	s.at("before RotateRefreshToken")
	rotated, err := s.Store.RotateRefreshToken(ctx, rotation)
	s.at("after RotateRefreshToken")
	return rotated, err
}

func (s faultyStore) BeginRenewal(ctx context.Context, id string, version int64, now, until time.Time) (storage.Lease, error) {
	s.at("before BeginRenewal")
	lease, err := s.Store.BeginRenewal(ctx, id, version, now, until)
	s.at("after BeginRenewal")
	return lease, err
}

func (s faultyStore) FinishRenewal(ctx context.Context, renewed storage.Credential, fence int64) error {
	s.at("before FinishRenewal")
	err := s.Store.FinishRenewal(ctx, renewed, fence)
	s.at("after FinishRenewal")
	return err
}

// faultyProvider does the same for calls to the provider. Points in the middle of a call are the provider's.
type faultyProvider struct {
	upstream.Provider
	at func(point string)
}

func (p faultyProvider) Exchange(ctx context.Context, req upstream.ExchangeRequest) (upstream.Login, error) {
	p.at("before Exchange")
	login, err := p.Provider.Exchange(ctx, req)
	p.at("after Exchange")
	return login, err
}

func (p faultyProvider) Renew(ctx context.Context, tokens upstream.Tokens) (upstream.Login, error) {
	p.at("before Renew")
	login, err := p.Provider.Renew(ctx, tokens)
	p.at("after Renew")
	return login, err
}
