package e2e

import (
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestReplicasSurviveKill: one replica is killed while everybody refreshes and codes are redeemed. The other goes on, what
// was acknowledged stands, and no code is redeemed twice.
func TestReplicasSurviveKill(t *testing.T) {
	r := startReplicas(t, replicaOptions{})
	r.breakUnderLoad(t, func() { r.each[1].running.Kill() }, func() { r.start(t, 1) })
}

// TestReplicasSurviveDatabaseCrash: the database loses its memory and its connections. The replicas say 503 meanwhile, and
// find back by themselves.
func TestReplicasSurviveDatabaseCrash(t *testing.T) {
	r := startReplicas(t, replicaOptions{})
	r.breakUnderLoad(t, func() {
		if err := r.database.Crash(t.Context()); err != nil {
			t.Fatal(err)
		}
	}, func() {})
}

// TestReplicasSurviveFailover: the database is gone for good, and its synchronous standby takes its place. The replicas
// know both addresses, and nothing else is told to them.
func TestReplicasSurviveFailover(t *testing.T) {
	r := startReplicas(t, replicaOptions{standby: true})
	r.breakUnderLoad(t, func() {
		if err := r.database.Kill(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.standby.Promote(t.Context()); err != nil {
			t.Fatal(err)
		}
	}, func() {})
}

// breakUnderLoad lets something break while clients refresh and codes are redeemed, and checks afterwards what was
// acknowledged.
func (r *replicas) breakUnderLoad(t *testing.T, breakIt, mend func()) {
	t.Helper()
	const clients, codes, racers = 8, 40, 4
	revoked := r.connect(t, r.bob)
	raced := r.prepareRedemptions(t, codes)
	single := r.prepareRedemptions(t, codes)
	load := startLoad(t, r.deployment, clients)
	load.await(t, 10*clients)

	var group sync.WaitGroup
	for side := range racers {
		group.Go(func() { r.redeemAll(t, raced, side) })
	}
	group.Go(func() { r.redeemAll(t, single, 0) })
	r.endGrants(t, revoked.client)
	breakIt()
	load.await(t, 20*clients)
	mend()
	load.await(t, 10*clients)
	group.Wait()
	load.finish(t)

	for _, code := range raced {
		if n := len(code.successes); n > 1 {
			t.Errorf("a code was redeemed %d times", n)
		}
	}
	acknowledged := 0
	for _, code := range single {
		for _, answer := range code.successes {
			acknowledged++
			s := code.session
			s.refresh = answer.Text("refresh_token")
			r.checkRefreshes(t, s)
		}
	}
	t.Logf("%d of %d codes were redeemed and acknowledged", acknowledged, len(single))
	r.checkInvalidGrant(t, "a grant whose end was acknowledged", refreshForm(revoked))
}

// redeemAll presents codes one after the other, slowly enough that something breaks meanwhile. It may lose answers.
func (r *replicas) redeemAll(t *testing.T, codes []*redemption, from int) {
	pace := time.NewTicker(25 * time.Millisecond)
	defer pace.Stop()
	for i := range codes {
		answer, err := codes[(i+from)%len(codes)].redeem(t, r.deployment)
		switch {
		case err != nil, answer.Status == http.StatusOK, answer.Text("error") == "invalid_grant":
		case answer.Status == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") != "":
		default:
			t.Errorf("a redemption: %s", answer)
		}
		<-pace.C
	}
}
