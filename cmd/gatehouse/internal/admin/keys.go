package admin

import (
	"context"
	"strings"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// ListKeys lists the signing keys.
func (a *Admin) ListKeys(ctx context.Context) error {
	response, err := call(ctx, a.client.ListKeys, &gatehousev1.ListKeysRequest{})
	if err != nil {
		return err
	}
	var rows [][]string
	for _, key := range response.GetKeys() {
		rows = append(rows, keyRow(key))
	}
	return a.print(response, keyHeader, rows)
}

// RotateKeys prepares a new signing key. One that signs at once is unknown to whoever has read the key set a moment ago.
func (a *Admin) RotateKeys(ctx context.Context, immediately bool) error {
	if immediately {
		question := "Sign with a new key at once? Services that verify offline refuse its tokens until they read the key set again."
		if err := a.console.Confirm(ctx, question); err != nil {
			return err
		}
	}
	response, err := call(ctx, a.client.RotateKeys, &gatehousev1.RotateKeysRequest{Immediately: immediately})
	if err != nil {
		return err
	}
	return a.print(response, keyHeader, [][]string{keyRow(response.GetKey())})
}

// RemoveKey removes a signing key at once.
func (a *Admin) RemoveKey(ctx context.Context, id string) error {
	if err := a.console.Confirm(ctx, "Remove key "+id+"? Every token that it signed is refused from now on."); err != nil {
		return err
	}
	if _, err := call(ctx, a.client.RemoveKey, &gatehousev1.RemoveKeyRequest{KeyId: id}); err != nil {
		return err
	}
	return a.ListKeys(ctx)
}

const keyHeader = "KEY\tFOR\tALGORITHM\tSTATE\tSIGNS FROM\tGONE AFTER"

func keyRow(key *gatehousev1.SigningKey) []string {
	state := strings.ToLower(strings.TrimPrefix(key.GetState().String(), "STATE_"))
	return []string{
		key.GetKeyId(), key.GetPurpose(), key.GetAlgorithm(), state, when(key.GetActivateTime()), when(key.GetRemoveTime()),
	}
}
