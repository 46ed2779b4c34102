package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/browser"
)

// checkHygiene fails the test when an answer of gatehouse that a browser saw lacks a header that protects its user, or
// is a server error.
func (d *deployment) checkHygiene(t *testing.T, b *browser.Browser) {
	t.Helper()
	for _, visit := range b.History() {
		if !strings.HasPrefix(visit.URL.String(), d.server.URL+"/") {
			continue
		}
		where := visit.Method + " " + visit.URL.Path
		if visit.Status >= http.StatusInternalServerError {
			t.Errorf("%s: status %d", where, visit.Status)
		}
		for name, want := range map[string]string{
			"Cache-Control":           "no-store",
			"X-Content-Type-Options":  "nosniff",
			"X-Frame-Options":         "DENY",
			"Content-Security-Policy": "frame-ancestors 'none'",
		} {
			if got := visit.Header.Get(name); !strings.Contains(got, want) {
				t.Errorf("%s: %s is %q, want %s", where, name, got, want)
			}
		}
		if policy := visit.Header.Get("Referrer-Policy"); policy != "no-referrer" && policy != "same-origin" {
			t.Errorf("%s: Referrer-Policy is %q", where, policy)
		}
		for _, cookie := range visit.Header.Values("Set-Cookie") {
			if !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax") {
				t.Errorf("%s: a cookie lacks HttpOnly or SameSite", where)
			}
		}
	}
}
