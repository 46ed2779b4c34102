package upstream_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newOIDC(t *testing.T, f *upstreamtest.FakeIdP) upstream.Provider {
	t.Helper()
	p, err := upstream.NewOIDC(f.Config(upstreamtest.CallbackURL))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestOIDCIsAProvider(t *testing.T) { upstreamtest.RunProvider(t, newOIDC) }
