package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/browser"
	"github.com/gatehouse-auth/gatehouse/e2e/internal/canary"
)

// Kinds of secrets that have a place where they belong.
const (
	kindAdminToken  = "admin token"
	kindClientState = "client state"
)

// noteSecrets adds what a browser carried: cookies, consent handles, states, nonces and codes.
func (d *deployment) noteSecrets(b *browser.Browser) {
	for _, value := range b.Cookies() {
		d.secrets.Add("cookie", value)
		if parts := strings.Split(value, "."); len(parts) == 3 {
			d.secrets.Add("cookie secret", parts[2])
		}
	}
	for _, visit := range b.History() {
		query := visit.URL.Query()
		d.secrets.Add("consent handle", query.Get("txn"))
		if query.Has("client_id") && strings.HasPrefix(visit.URL.String(), d.server.URL) {
			continue // the client's own request, whose secrets the client has reported
		}
		d.secrets.Add("provider state", query.Get("state"))
		d.secrets.Add("provider nonce", query.Get("nonce"))
		d.secrets.Add("provider code", query.Get("code"))
	}
}

// scanForSecrets fails the test when a secret of the run is in a log or in the data directory.
func scanForSecrets(t *testing.T, w *workspace) {
	t.Helper()
	findings, err := w.secrets.Scan(os.DirFS(w.logs))
	if err != nil {
		t.Error(err)
	}
	for _, finding := range findings {
		t.Errorf("a log has a secret: %s", finding)
	}
	if _, err := os.Stat(w.data); os.IsNotExist(err) {
		return
	}
	findings, err = w.secrets.Scan(os.DirFS(w.data),
		canary.Allowance{Kind: kindAdminToken, Path: "admin.token"},
		// The client gets its state back, so it has to be kept until then. Alone it opens nothing.
		canary.Allowance{Kind: kindClientState},
	)
	if err != nil {
		t.Error(err)
	}
	for _, finding := range findings {
		t.Errorf("the data directory has a secret: %s", finding)
	}
}
