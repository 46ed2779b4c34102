// Package storagetest is the conformance suite of the storage contract. Every backend passes the same checks; their
// names read as the promises of package storage.
package storagetest

import (
	"slices"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// check is one promise and how it is tried on an empty store.
type check struct {
	promise string
	try     func(t *testing.T, s *scene)
}

// Run checks a backend. open returns an empty store for each check; the suite closes it.
func Run(t *testing.T, open func(t *testing.T) storage.Store) {
	groups := []struct {
		name   string
		checks []check
	}{
		{"Clients", slices.Concat(clientChecks(), clientLimitChecks(), clientFloodChecks())},
		{"Transactions", slices.Concat(transactionChecks(), approvalChecks(), claimChecks(), transactionFloodChecks())},
		{"Codes", slices.Concat(completionChecks(), redemptionChecks())},
		{"Grants", slices.Concat(grantChecks(), revocationChecks(), burningChecks())},
		{"Refresh", slices.Concat(rotationChecks(), replayChecks(), rotationRaceChecks())},
		{"Credentials", slices.Concat(credentialChecks(), leaseChecks(), fencingChecks())},
		{"Revocations", outboxChecks()},
		{"Accounts", slices.Concat(loginChecks(), sessionChecks(), loginFloodChecks())},
		{"Assertions", assertionChecks()},
		{"SigningKeys", signingKeyChecks()},
		{"SealedValues", sealedChecks()},
		{"Sweep", slices.Concat(sweepChecks(), clientSweepChecks(), leftoverChecks())},
		{"Lists", pagingChecks()},
		{"Columns", columnChecks()},
		{"Concurrency", concurrencyChecks()},
		{"Lifecycle", lifecycleChecks()},
	}
	for _, group := range groups {
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.checks {
				t.Run(c.promise, func(t *testing.T) {
					store := open(t)
					t.Cleanup(func() { _ = store.Close() })
					c.try(t, newScene(t, store))
				})
			}
		})
	}
}
