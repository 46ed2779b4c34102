package server_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

func TestRestartKeepsTokensCodesAndTransactions(t *testing.T) {
	dir := t.TempDir()
	r := &rig{idp: upstreamtest.New(t), clock: &upstreamtest.Clock{}}
	r.clock.Set(time.Now().UTC().Truncate(time.Second))
	r.idp.SetClock(r.clock.Now)
	r.start(t, dir)
	token := r.login(t).GetAccessToken()
	clientID := r.register(t)
	code := r.code(t, clientID)
	answer := r.allow(t, r.begin(t, request(clientID)))
	if err := r.core.Close(); err != nil {
		t.Fatal(err)
	}
	r.start(t, dir)
	if !r.verify(t, token).GetActive() {
		t.Error("the token died with the process")
	}
	if _, err := r.ExchangeToken(t.Context(), tokenRequest(clientID, code)); err != nil {
		t.Errorf("the code died with the process: %v", err)
	}
	if _, err := r.CompleteAuthorization(t.Context(), answer); err != nil {
		t.Errorf("the login died with the process: %v", err)
	}
}

func TestSecretsAreFilesOfTheOwnerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	r := &rig{idp: upstreamtest.New(t), clock: &upstreamtest.Clock{}}
	r.clock.Set(time.Now())
	r.start(t, dir)
	for name, want := range map[string]os.FileMode{"": 0o700, "sealing.key": 0o600, "admin.token": 0o600, "gatehouse.db": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%q has mode %04o, want %04o", name, got, want)
		}
	}
}

func TestStartIsRefusedWhenOthersMayReadASecret(t *testing.T) {
	for _, name := range []string{"admin.token", "sealing.key"} {
		dir := t.TempDir()
		r := &rig{idp: upstreamtest.New(t), clock: &upstreamtest.Clock{}}
		r.clock.Set(time.Now())
		restart := func() error {
			core, err := r.open(t, dir)
			if err != nil {
				return err
			}
			return core.Close()
		}
		path := filepath.Join(dir, name)
		if err := errors.Join(restart(), os.Chmod(path, 0o644)); err != nil {
			t.Fatal(err)
		}
		if err := restart(); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "0644") {
			t.Errorf("%s: the start said %v", name, err)
		}
		if err := errors.Join(os.Chmod(path, 0o600), restart()); err != nil {
			t.Errorf("%s: after chmod 600: %v", name, err)
		}
	}
}

func TestEverySigningAlgorithmWorks(t *testing.T) {
	for _, algorithm := range []string{"ES256", "EdDSA", "RS256", "HS256"} {
		t.Run(algorithm, func(t *testing.T) {
			r := newRig(t, "GATEHOUSE_SIGNING_ALG="+algorithm)
			if !r.verify(t, r.login(t).GetAccessToken()).GetActive() {
				t.Error("not active")
			}
			keys, err := r.GetKeySet(t.Context(), &gatehousev1.GetKeySetRequest{})
			if err != nil {
				t.Fatal(err)
			}
			metadata, err := r.GetServerMetadata(t.Context(), &gatehousev1.GetServerMetadataRequest{})
			if err != nil {
				t.Fatal(err)
			}
			want := 1
			if algorithm == "HS256" {
				want = 0
			}
			if len(keys.GetKeys()) != want || (metadata.GetJwksUri() != "") != (want == 1) {
				t.Errorf("keys = %v, jwks_uri = %q", keys, metadata.GetJwksUri())
			}
		})
	}
}

// lineWriter hands every log line on.
type lineWriter chan string

func (w lineWriter) Write(p []byte) (int, error) {
	w <- string(p)
	return len(p), nil
}

func TestServerWhoseProviderIsOutOfReachSaysWhy(t *testing.T) {
	lines := make(lineWriter, 100)
	r := &rig{idp: upstreamtest.New(t), clock: &upstreamtest.Clock{}, log: lines}
	r.clock.Set(time.Now())
	r.idp.SetFault(upstreamtest.Discovery, upstreamtest.Status(http.StatusTeapot))
	r.start(t, t.TempDir())
	_, err := r.decide(t, r.begin(t, request(r.register(t))), "page", allow)
	wantReason(t, err, "temporarily_unavailable")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	missing := []string{"not ready", "rpc failed"} // in either order
	for len(missing) > 0 {
		select {
		case line := <-lines:
			missing = slices.DeleteFunc(missing, func(message string) bool {
				return strings.Contains(line, message) && strings.Contains(line, "418")
			})
		case <-ctx.Done():
			t.Fatalf("no line has the provider's status and %q", missing)
		}
	}
}
