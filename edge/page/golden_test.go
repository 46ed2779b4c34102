package page

import (
	"context"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"github.com/gatehouse-auth/gatehouse/edge/requestlog"
	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

var update = flag.Bool("update", false, "write the golden pages")

// TestPagesAreAsReviewed compares whole documents, so that no change of a page goes unseen. Run with -update to accept.
func TestPagesAreAsReviewed(t *testing.T) {
	s := newSite(t, func(d *Deps) { d.Random = strings.NewReader(strings.Repeat("x", 10*secretBytes)) })
	s.begin = func(in *gatehousev1.BeginAuthorizationRequest) (*gatehousev1.BeginAuthorizationResponse, error) {
		if in.GetClientId() == "unknown" {
			return nil, coreError(codes.InvalidArgument, "invalid_client")
		}
		return refused(&gatehousev1.ClientRedirect{
			Uri: "https://app.example.org/cb?error=invalid_scope", Destination: "app.example.org",
			Error: "invalid_scope", ErrorDescription: "The scope is not known.",
		}), nil
	}
	decide := func(action string) answer {
		b := s.browser(t)
		return b.post(b.open("t1", action))
	}
	nothing := newSite(t)
	nothing.applications = nil
	refusing := newSite(t)
	refusing.complete = func(*gatehousev1.CompleteAuthorizationRequest) (*gatehousev1.CompleteAuthorizationResponse, error) {
		return nil, coreError(codes.PermissionDenied, "access_denied")
	}
	for name, res := range map[string]answer{
		"home":           s.get(t, "/"),
		"sign-in":        s.get(t, "/account"),
		"account":        s.signedIn(t).get("/account"),
		"account-empty":  nothing.signedIn(t).get("/account"),
		"disconnect":     s.signedIn(t).get("/account/disconnect"),
		"consent":        s.get(t, "/consent?txn=t1"),
		"continue":       decide("allow"),
		"denied":         decide("deny"),
		"client-error":   s.serve(withID(t.Context(), "/authorize?client_id=x")),
		"not-signed-in":  refusing.serve(withID(t.Context(), "/auth/callback?error=access_denied&state=s")),
		"unknown-client": s.serve(withID(t.Context(), "/authorize?client_id=unknown")),
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, name, res.Body)
		})
	}
}

func withID(ctx context.Context, target string) *http.Request {
	return httptest.NewRequestWithContext(requestlog.WithID(ctx, "01JDE5Q2X0"), http.MethodGet, target, nil)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden.html")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
}
