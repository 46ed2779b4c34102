package e2e

import (
	"maps"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/oauthclient"
)

// endsReplayedGrant: RFC 6749 section 4.1.2. Whoever presents a code again may be the thief or the victim of one.
func endsReplayedGrant(t *testing.T, d *deployment) {
	s := d.connect(t, d.alice)
	if status := d.mcpStatus(t, s.access); status != http.StatusOK {
		t.Fatalf("the token is refused at once: %d", status)
	}
	replay := d.exchange(t, s.attempt.ExchangeForm(s.code))
	if replay.Status != http.StatusBadRequest || replay.Text("error") != "invalid_grant" {
		t.Errorf("the code a second time: %s", replay)
	}
	eventually(t, revocationDelay, "the end of the first token", func() bool {
		return d.mcpStatus(t, s.access) == http.StatusUnauthorized
	})
	d.checkInvalidGrant(t, "the refresh token of the replayed code", refreshForm(s))
}

func redeemsCodeOnce(t *testing.T, d *deployment) {
	c := d.register(t)
	attempt := d.server.NewAttempt(c.id, c.redirectURI)
	form := attempt.ExchangeForm(d.walk(t, d.newBrowser(t, c.redirectURI), attempt, d.alice))
	var succeeded, refused atomic.Int32
	var group sync.WaitGroup
	const racers = 16
	for range racers {
		group.Go(func() {
			switch answer, err := d.server.Token(t.Context(), form, nil); {
			case err != nil:
				t.Error(err)
			case answer.Status == http.StatusOK:
				succeeded.Add(1)
			case answer.Text("error") == "invalid_grant":
				refused.Add(1)
			default:
				t.Errorf("a redemption: %s", answer)
			}
		})
	}
	group.Wait()
	if succeeded.Load() != 1 || refused.Load() != racers-1 {
		t.Errorf("%d of %d redemptions succeeded and %d were refused", succeeded.Load(), racers, refused.Load())
	}
}

// bindsCode also shows that a failed attempt by somebody else spends nothing.
func bindsCode(t *testing.T, d *deployment) {
	s := session{client: d.register(t)}
	other := d.register(t)
	s.attempt = d.server.NewAttempt(s.id, s.redirectURI)
	s.code = d.walk(t, d.newBrowser(t, s.redirectURI), s.attempt, d.alice)
	for name, test := range map[string]struct {
		parameter, value string
		status           int
		code             string
	}{
		"another client":    {"client_id", other.id, http.StatusBadRequest, "invalid_grant"},
		"an unknown client": {"client_id", "unknown", http.StatusUnauthorized, "invalid_client"},
		"an unknown grant":  {"grant_type", "password", http.StatusBadRequest, "unsupported_grant_type"},
		"another code":      {"code", "not-" + s.code, http.StatusBadRequest, "invalid_grant"},
	} {
		form := maps.Clone(s.attempt.ExchangeForm(s.code))
		form.Set(test.parameter, test.value)
		answer := d.exchange(t, form)
		if answer.Status != test.status || answer.Text("error") != test.code {
			t.Errorf("%s: %s, want %d %s", name, answer, test.status, test.code)
		}
	}
	if right := d.exchange(t, s.attempt.ExchangeForm(s.code)); right.Status != http.StatusOK {
		t.Errorf("the right client afterwards: %s", right)
	}

	for name, form := range map[string]func(oauthclient.Attempt, string) url.Values{
		"another verifier": func(a oauthclient.Attempt, code string) url.Values {
			form := a.ExchangeForm(code)
			form.Set("code_verifier", d.server.NewAttempt("", "").Verifier)
			return form
		},
		"another redirect URI": func(a oauthclient.Attempt, code string) url.Values {
			form := a.ExchangeForm(code)
			form.Set("redirect_uri", "http://127.0.0.1:33419/callback")
			return form
		},
	} {
		attempt := d.server.NewAttempt(s.id, s.redirectURI)
		code := d.walk(t, d.newBrowser(t, s.redirectURI), attempt, d.alice)
		if answer := d.exchange(t, form(attempt, code)); answer.Status != http.StatusBadRequest ||
			answer.Text("error") != "invalid_grant" {
			t.Errorf("%s: %s", name, answer)
		}
	}
}

func (d *deployment) exchange(t *testing.T, form url.Values) oauthclient.Answer {
	t.Helper()
	answer, err := d.server.Token(t.Context(), form, nil)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// checkInvalidGrant fails the test unless a token request is refused as one whose grant does not hold.
func (d *deployment) checkInvalidGrant(t *testing.T, what string, form url.Values) {
	t.Helper()
	answer := d.exchange(t, form)
	if answer.Status != http.StatusBadRequest || answer.Text("error") != "invalid_grant" {
		t.Errorf("%s: %s, want 400 invalid_grant", what, answer)
	}
}
