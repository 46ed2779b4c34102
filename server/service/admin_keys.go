package service

import (
	"context"
	"errors"
	"slices"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/keyring"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/reseal"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// Ring is the keys of one purpose.
type Ring interface {
	Purpose() string
	All() []keyring.Key
	State(key keyring.Key) keyring.State
	Rotate(ctx context.Context, immediately bool) (keyring.Key, error)
	Remove(ctx context.Context, id string) error
	Lookup(id string) (keyring.Key, bool)
}

// Reseals says how far the re-sealing is.
type Reseals interface {
	Status(ctx context.Context) (reseal.Status, error)
}

// ListKeys lists the signing keys, newest first.
func (a *Admin) ListKeys(context.Context, *gatehousev1.ListKeysRequest) (*gatehousev1.ListKeysResponse, error) {
	response := &gatehousev1.ListKeysResponse{}
	for _, ring := range a.deps.Rings {
		for _, key := range slices.Backward(ring.All()) {
			response.Keys = append(response.Keys, keyMessage(ring, key))
		}
	}
	return response, nil
}

// RotateKeys prepares a new key for access tokens.
func (a *Admin) RotateKeys(ctx context.Context, req *gatehousev1.RotateKeysRequest) (*gatehousev1.RotateKeysResponse, error) {
	ring := a.deps.Rings[0]
	key, err := ring.Rotate(ctx, req.GetImmediately())
	if err != nil {
		return nil, oauth.Unavailable(err)
	}
	return &gatehousev1.RotateKeysResponse{Key: keyMessage(ring, key)}, nil
}

// RemoveKey removes a key at once, and with it every verdict that rests on it.
func (a *Admin) RemoveKey(ctx context.Context, req *gatehousev1.RemoveKeyRequest) (*gatehousev1.RemoveKeyResponse, error) {
	for _, ring := range a.deps.Rings {
		if _, ok := ring.Lookup(req.GetKeyId()); !ok {
			continue
		}
		if err := ring.Remove(ctx, req.GetKeyId()); err != nil && !errors.Is(err, storage.ErrNotFound) {
			return nil, oauth.Unavailable(err)
		}
		a.deps.Revoker.Forget()
		return &gatehousev1.RemoveKeyResponse{}, nil
	}
	return nil, oauth.NewError(oauth.NotFound, "There is no such key.")
}

// GetSealingStatus tells how far the re-sealing is.
func (a *Admin) GetSealingStatus(ctx context.Context, _ *gatehousev1.GetSealingStatusRequest) (*gatehousev1.GetSealingStatusResponse, error) {
	status, err := a.deps.Reseals.Status(ctx)
	if err != nil {
		return nil, oauth.Unavailable(err)
	}
	return &gatehousev1.GetSealingStatusResponse{CurrentKeyId: status.CurrentKeyID, PendingValues: status.Pending}, nil
}

func keyMessage(ring Ring, key keyring.Key) *gatehousev1.SigningKey {
	return &gatehousev1.SigningKey{
		KeyId:        key.ID,
		Purpose:      ring.Purpose(),
		Algorithm:    key.Algorithm,
		State:        stateMessage(ring.State(key)),
		CreateTime:   timestamp(key.CreateTime),
		ActivateTime: timestamp(key.ActivateTime),
		RemoveTime:   timestamp(key.RemoveTime),
	}
}

func stateMessage(state keyring.State) gatehousev1.SigningKey_State {
	switch state {
	case keyring.Prepared:
		return gatehousev1.SigningKey_STATE_PREPARED
	case keyring.Active:
		return gatehousev1.SigningKey_STATE_ACTIVE
	case keyring.Retiring:
		return gatehousev1.SigningKey_STATE_RETIRING
	default:
		return gatehousev1.SigningKey_STATE_UNSPECIFIED
	}
}
