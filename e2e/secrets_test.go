package e2e

import (
	"errors"
	"io/fs"
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
	t.Logf("searching for each %s", strings.Join(w.secrets.Kinds(), ", "))
	for _, finding := range scan(t, w.secrets, w.logs) {
		t.Errorf("a log has a secret: %s", finding)
	}
	for _, finding := range scan(t, w.secrets, w.data,
		canary.Allowance{Kind: kindAdminToken, Path: "admin.token"},
		// The client gets its state back, so it has to be kept until then. Alone it opens nothing.
		canary.Allowance{Kind: kindClientState},
	) {
		t.Errorf("the data directory has a secret: %s", finding)
	}
	// A search that finds nothing proves nothing unless it finds what has to be there.
	if len(w.known.Kinds()) > 0 && len(scan(t, w.known, w.data)) == 0 {
		t.Error("the search of the data directory is blind: it does not find the clients in it")
	}
}

func scan(t *testing.T, set *canary.Set, folder string, allowed ...canary.Allowance) []canary.Finding {
	t.Helper()
	findings, err := set.Scan(os.DirFS(folder), allowed...)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // a process that did not start has no data directory
		t.Error(err)
	}
	return findings
}
