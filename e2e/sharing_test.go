package e2e

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/realm"
)

// TestReplicasShareLogin: a login that began at one replica ends at the other, and its token is good at both.
func TestReplicasShareLogin(t *testing.T) {
	r := startReplicas(t, replicaOptions{})
	for i := range r.each {
		r.balancer.Use(r.each[i].httpAddr)
		s := session{client: r.register(t)}
		s.attempt = r.server.NewAttempt(s.id, s.redirectURI)
		b := r.newBrowser(t, s.redirectURI)
		consent := openConsent(t, b, r.server.AuthorizeURL(s.attempt))
		r.balancer.Use(r.each[1-i].httpAddr)
		login := decide(t, b, consent, "allow")
		r.balancer.Use(r.each[i].httpAddr)
		page := logIn(t, b, login, r.alice)
		r.balancer.Use(r.each[1-i].httpAddr)
		answer := r.exchange(t, s.attempt.ExchangeForm(r.codeOf(t, page, s.attempt)))
		if answer.Status != http.StatusOK {
			t.Fatalf("token: %s", answer)
		}
		for i := range r.each {
			if status := r.at(t, i).mcpStatus(t, answer.Text("access_token")); status != http.StatusOK {
				t.Errorf("the token at replica %d: %d", i, status)
			}
		}
	}
}

// TestReplicasRefreshTogether: a client that refreshes many times at once gets one successor everywhere.
func TestReplicasRefreshTogether(t *testing.T) {
	const callers = 200
	r := startReplicas(t, replicaOptions{})
	s := r.connect(t, r.alice)
	sides := []*deployment{r.at(t, 0), r.at(t, 1)}
	successors := make(chan string, callers)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			answer, err := sides[i%len(sides)].server.Token(t.Context(), refreshForm(s), nil)
			if err != nil || answer.Status != http.StatusOK {
				t.Errorf("a refresh among many: %s, %v", answer, err)
			}
			successors <- answer.Text("refresh_token")
		})
	}
	group.Wait()
	close(successors)
	s.refresh = <-successors
	for successor := range successors {
		if successor != s.refresh {
			t.Fatal("two successors of one token")
		}
	}
	r.checkRefreshes(t, s)
}

// TestReplicasRenewOnce: the realm ends a session when a refresh token of its own is presented twice. Its access tokens are
// over after seconds, and everybody uses theirs at both replicas all the time.
func TestReplicasRenewOnce(t *testing.T) {
	r := startReplicas(t, replicaOptions{
		realm: func(c *realm.Config) { c.AccessLife = 3 * time.Second },
		env:   map[string]string{"GATEHOUSE_RECHECK_INTERVAL": "1s"},
	})
	load := startLoad(t, r.deployment, 6)
	eventually(t, 30*time.Second, "ten renewals", func() bool { return r.provider.Renewals() >= 10 })
	load.finish(t)
	if replays := r.provider.Replays(); replays != 0 {
		t.Errorf("%d refresh tokens of the provider were presented twice", replays)
	}
}

// TestReplicasRevokeEverywhere measures how long after a revocation at one replica the other refuses the token.
func TestReplicasRevokeEverywhere(t *testing.T) {
	const samples = 30
	r := startReplicas(t, replicaOptions{})
	other := r.at(t, 1)
	verifier := other.authService(t)
	delays := make([]time.Duration, samples)
	for i := range delays {
		s := r.connect(t, r.alice)
		if status := other.mcpStatus(t, s.access); status != http.StatusOK {
			t.Fatalf("the token at the other replica: %d", status)
		}
		r.at(t, 0).endGrants(t, s.client)
		begin := time.Now()
		eventually(t, revocationDelay, "the refusal at the other replica", func() bool {
			verdict, err := verifier.VerifyToken(t.Context(), verifyRequest(other, s.access))
			return err == nil && !verdict.GetActive()
		})
		delays[i] = time.Since(begin)
		if status := other.mcpStatus(t, s.access); status != http.StatusUnauthorized {
			t.Errorf("the endpoint of the other replica afterwards: %d", status)
		}
	}
	slices.Sort(delays)
	t.Logf("a revocation shows elsewhere after %s (median), %s (p99 of %d)", delays[samples/2], delays[samples*99/100], samples)
}
