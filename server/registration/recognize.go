package registration

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// maxKnown is how many clients are remembered at most, each in about half a kilobyte.
const maxKnown = 10_000

// Recognize is Authenticate without a look into the store for a client that is in use: one that was marked as used less than
// storage.MarkInterval ago, as far as this process knows. Whoever finds that its mark is due has therefore looked.
//
// What authenticates a client never changes, and a client that is deleted takes its codes and grants along in the same step.
// So a client that is remembered and gone can achieve nothing, but may be told something else than that it is gone: who
// refuses a remembered one calls Authenticate first.
func (r *Registrar) Recognize(
	ctx context.Context, c Credentials,
) (client storage.ClientAuthentication, remembered bool, err error) {
	presented, err := present(c)
	if err != nil {
		return storage.ClientAuthentication{}, false, err
	}
	if client, ok := r.known.GetIfPresent(presented.id); ok && r.isInUse(client) && presented.fits(client) {
		return client, true, nil
	}
	client, err = r.authenticate(ctx, presented)
	if err == nil && r.isInUse(client) {
		r.known.Set(client.ID, client)
	}
	return client, false, err
}

// isInUse reports whether the mark of a client is good. One from the future is of a clock that was put right since.
func (r *Registrar) isInUse(client storage.ClientAuthentication) bool {
	age := r.deps.Now().Sub(client.LastUsedTime)
	return age >= 0 && age <= storage.MarkInterval
}
