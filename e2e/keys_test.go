package e2e

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// rotatesKeys first publishes a key ahead of its use, then takes one into use at once, then removes the one before. The
// first two cost nobody anything. The third is for a stolen key, and ends what it has signed.
func rotatesKeys(t *testing.T, d *deployment) {
	admin, ctx := d.admin(t)
	before := d.connect(t, d.alice)
	for _, immediately := range []bool{false, true} {
		rotated, err := admin.RotateKeys(ctx, &gatehousev1.RotateKeysRequest{Immediately: immediately})
		if err != nil {
			t.Fatal(err)
		}
		id := rotated.GetKey().GetKeyId()
		eventually(t, revocationDelay, "the publication of the key", func() bool {
			return bytes.Contains(d.document(t, "/.well-known/jwks.json").Body, []byte(id))
		})
		keys, err := admin.ListKeys(ctx, &gatehousev1.ListKeysRequest{})
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(keys.GetKeys(), func(k *gatehousev1.SigningKey) bool { return k.GetKeyId() == id })
		want := map[bool]gatehousev1.SigningKey_State{
			false: gatehousev1.SigningKey_STATE_PREPARED, true: gatehousev1.SigningKey_STATE_ACTIVE,
		}[immediately]
		if at < 0 || keys.GetKeys()[at].GetState() != want {
			t.Errorf("rotated immediately %v: the key is among %v, want %s", immediately, keys.GetKeys(), want)
		}
	}
	if status := d.mcpStatus(t, before.access); status != http.StatusOK {
		t.Errorf("a token after the rotation of its key: %d", status)
	}
	var after session
	eventually(t, revocationDelay, "a token of the new key", func() bool {
		after = d.refreshed(t, before)
		before.refresh = after.refresh
		return keyOf(t, after.access) != keyOf(t, before.access)
	})
	d.awaitEverywhere(t, after)

	if _, err := admin.RemoveKey(ctx, &gatehousev1.RemoveKeyRequest{KeyId: keyOf(t, before.access)}); err != nil {
		t.Fatal(err)
	}
	eventually(t, revocationDelay, "the end of the removed key's token", func() bool {
		return d.mcpStatus(t, before.access) == http.StatusUnauthorized
	})
	eventually(t, revocationDelay, "the end of the removed key's publication", func() bool {
		return !bytes.Contains(d.document(t, "/.well-known/jwks.json").Body, []byte(keyOf(t, before.access)))
	})
	d.awaitEverywhere(t, after)
	d.awaitEverywhere(t, d.refreshed(t, after))
}

// awaitEverywhere waits until a token is good wherever a load balancer may send it. Replicas learn of a key within a second,
// which is too late for one that signs at once.
func (d *deployment) awaitEverywhere(t *testing.T, s session) {
	t.Helper()
	eventually(t, revocationDelay, "the use of the new key's token", func() bool {
		for range 4 {
			if d.mcpStatus(t, s.access) != http.StatusOK {
				return false
			}
		}
		return true
	})
}

// keyOf is the id of the key that signed a token.
func keyOf(t *testing.T, token string) string {
	t.Helper()
	header, _, _ := strings.Cut(token, ".")
	id, _ := decodePart(t, header)["kid"].(string)
	return id
}
