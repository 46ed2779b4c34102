package admin

import (
	"context"
	"testing"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

func signingKey() *gatehousev1.SigningKey {
	return &gatehousev1.SigningKey{
		KeyId: "k", Purpose: "access_token", Algorithm: "ES256", State: gatehousev1.SigningKey_STATE_PREPARED, ActivateTime: noon,
	}
}

func (c *core) ListKeys(context.Context, *gatehousev1.ListKeysRequest) (*gatehousev1.ListKeysResponse, error) {
	return &gatehousev1.ListKeysResponse{Keys: []*gatehousev1.SigningKey{signingKey()}}, c.err
}

func (c *core) RotateKeys(
	_ context.Context, in *gatehousev1.RotateKeysRequest,
) (*gatehousev1.RotateKeysResponse, error) {
	c.rotated = in
	if in.GetImmediately() {
		c.changes = append(c.changes, "rotate at once")
	}
	return &gatehousev1.RotateKeysResponse{Key: signingKey()}, c.err
}

func (c *core) RemoveKey(
	_ context.Context, in *gatehousev1.RemoveKeyRequest,
) (*gatehousev1.RemoveKeyResponse, error) {
	c.changes = append(c.changes, "remove key "+in.GetKeyId())
	return &gatehousev1.RemoveKeyResponse{}, c.err
}

func TestKeysAreATable(t *testing.T) {
	want := []string{"KEY FOR ALGORITHM STATE SIGNS FROM GONE AFTER", "k access_token ES256 prepared 2026-11-24 12:00 -"}
	for name, command := range map[string]func(*desk) error{
		"list":   func(d *desk) error { return d.ListKeys(t.Context()) },
		"rotate": func(d *desk) error { return d.RotateKeys(t.Context(), false) },
		"remove": func(d *desk) error { return d.RemoveKey(t.Context(), "k") },
	} {
		d := newDesk(&core{}, Console{Yes: true})
		if err := command(d); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		d.check(t, want...)
	}
}

func TestKeySignsAtOnceOnlyWhenAsked(t *testing.T) {
	for _, now := range []bool{false, true} {
		d := newDesk(&core{}, Console{Yes: now}) // preparing a key is not asked about
		if err := d.RotateKeys(t.Context(), now); err != nil || d.core.rotated.GetImmediately() != now {
			t.Errorf("now %t: asked %v, %v", now, d.core.rotated, err)
		}
	}
}
