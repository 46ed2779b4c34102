package e2e

import (
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/oauthclient"
)

// redemption is a code that nobody has redeemed, or what came of it.
type redemption struct {
	session
	form url.Values

	mu        sync.Mutex
	successes []oauthclient.Answer
}

// prepareRedemptions logs in for codes.
func (d *deployment) prepareRedemptions(t *testing.T, count int) []*redemption {
	t.Helper()
	c := d.register(t)
	b := d.newBrowser(t, c.redirectURI)
	prepared := make([]*redemption, count)
	for i := range prepared {
		attempt := d.server.NewAttempt(c.id, c.redirectURI)
		prepared[i] = &redemption{session: session{client: c}, form: attempt.ExchangeForm(d.walk(t, b, attempt, d.alice))}
	}
	return prepared
}

// redeem presents the code once. Outages are told apart from verdicts by the caller.
func (r *redemption) redeem(t *testing.T, d *deployment) (oauthclient.Answer, error) {
	t.Helper()
	answer, err := d.server.Token(t.Context(), r.form, nil)
	if err == nil && answer.Status == http.StatusOK {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.successes = append(r.successes, answer)
	}
	return answer, err
}

// TestReplicasRedeemOnce: of all who present a code at whichever replica, exactly one gets its tokens.
// GATEHOUSE_E2E_RACES says how many presentations there are; raise go test's -timeout with it.
func TestReplicasRedeemOnce(t *testing.T) {
	const racers, batch = 16, 100
	presentations := 200 * racers
	if value := os.Getenv("GATEHOUSE_E2E_RACES"); value != "" {
		var err error
		if presentations, err = strconv.Atoi(value); err != nil {
			t.Fatal(err)
		}
	}
	r := startReplicas(t, replicaOptions{})
	sides := []*deployment{r.at(t, 0), r.at(t, 1)}
	var took time.Duration
	for left := presentations / racers; left > 0 && !t.Failed(); left -= batch {
		t.Run("batch", func(t *testing.T) {
			codes := r.prepareRedemptions(t, min(left, batch))
			begin := time.Now()
			for _, code := range codes {
				race(t, code, sides, racers)
			}
			took += time.Since(begin)
		})
	}
	t.Logf("%d presentations of %d codes in %s", presentations, presentations/racers, took)
}

// race lets everybody present one code at once.
func race(t *testing.T, code *redemption, sides []*deployment, racers int) {
	t.Helper()
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range racers {
		group.Go(func() {
			<-start
			answer, err := code.redeem(t, sides[i%len(sides)])
			if err != nil || answer.Status != http.StatusOK && answer.Text("error") != "invalid_grant" {
				t.Errorf("a presentation: %s, %v", answer, err)
			}
		})
	}
	close(start)
	group.Wait()
	if len(code.successes) != 1 {
		t.Errorf("%d of %d presentations of one code succeeded", len(code.successes), racers)
	}
}
