package keyring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// leeway covers the clock skew between replicas.
const leeway = time.Minute

// State is what a key does at a time.
type State string

// States of keys.
const (
	Prepared State = "prepared"
	Active   State = "active"
	Retiring State = "retiring"
)

// State returns what a key of the ring does now.
func (r *Ring) State(key Key) State {
	switch now := r.deps.Now(); {
	case now.Before(key.ActivateTime):
		return Prepared
	case r.Current().ID == key.ID, key.Algorithm != r.config.Algorithm && key.RemoveTime.IsZero():
		return Active
	}
	return Retiring
}

// Purpose returns what the keys of the ring are for.
func (r *Ring) Purpose() string { return r.config.Purpose }

// Rotate makes a new key. It signs after it has been published for long enough, or at once.
func (r *Ring) Rotate(ctx context.Context, immediately bool) (Key, error) {
	activate := r.deps.Now()
	if !immediately {
		activate = activate.Add(r.config.PublishTTL + leeway)
	}
	id, _, err := r.add(ctx, activate, never())
	if err != nil {
		return Key{}, err
	}
	if err := r.load(ctx); err != nil {
		return Key{}, err
	}
	key, ok := r.Lookup(id)
	if !ok {
		return Key{}, fmt.Errorf("keyring: key %s is gone again", id)
	}
	return key, nil
}

// Remove removes a key at once. When it is the one that signs, a new one takes its place first.
func (r *Ring) Remove(ctx context.Context, id string) error {
	if r.Current().ID == id {
		if _, err := r.Rotate(ctx, true); err != nil {
			return err
		}
	}
	if err := r.deps.Store.DeleteSigningKey(ctx, id); err != nil {
		return fmt.Errorf("keyring: remove: %w", err)
	}
	return r.load(ctx)
}

// Tend does what time asks for: it prepares the next key when the active one has signed for long enough, and deletes
// keys whose last token has expired. Every replica may call it; one wins. It reports whether anything changed.
func (r *Ring) Tend(ctx context.Context) (changed bool, err error) {
	now := r.deps.Now()
	if interval := r.config.RotateInterval; interval > 0 {
		due := r.Current().ActivateTime.Add(interval)
		if lead := r.config.PublishTTL + leeway; !now.Before(due.Add(-lead)) {
			// Nobody has prepared a key, as long as none begins after the active one.
			if _, changed, err = r.add(ctx, now.Add(lead), r.Current().ActivateTime); err != nil {
				return false, err
			}
		}
	}
	for _, key := range *r.keys.Load() {
		if key.RemoveTime.IsZero() || now.Before(key.RemoveTime) {
			continue
		}
		if err := r.deps.Store.DeleteSigningKey(ctx, key.ID); err != nil && !errors.Is(err, storage.ErrNotFound) {
			return changed, fmt.Errorf("keyring: delete: %w", err)
		}
		changed = true
	}
	return changed, nil
}

// add makes a key that begins to sign at a time, unless one exists that begins later than unlessAfter.
func (r *Ring) add(ctx context.Context, activate, unlessAfter time.Time) (id string, added bool, err error) {
	private, err := generate(r.config.Algorithm)
	if err != nil {
		return "", false, err
	}
	id, public, err := describe(r.config.Algorithm, private, r.deps.Random.ID())
	if err != nil {
		return "", false, err
	}
	record := storage.SigningKey{
		ID:           id,
		Purpose:      r.config.Purpose,
		Algorithm:    r.config.Algorithm,
		Sealed:       r.deps.Sealer.Seal(private, place(id)),
		CreateTime:   r.deps.Now(),
		ActivateTime: activate,
	}
	if public != nil {
		if record.Public, err = json.Marshal(public); err != nil {
			return "", false, fmt.Errorf("keyring: %w", err)
		}
	}
	if added, err = r.deps.Store.AddSigningKey(ctx, record, unlessAfter); err != nil {
		return "", false, fmt.Errorf("keyring: create: %w", err)
	}
	return id, added, nil
}

// never is a time that no key begins after: a condition that always holds.
func never() time.Time { return time.Unix(1<<40, 0) }
