package postgres

import (
	"errors"
	"strings"
	"testing"
)

// TestStandbyHasWhatWasAcknowledged also shows that the tools are found and that nothing is left behind.
func TestStandbyHasWhatWasAcknowledged(t *testing.T) {
	programs, err := Find()
	if errors.Is(err, ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	primary, err := programs.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, primary) })
	standby, err := primary.StartStandby(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, standby) })
	if err := standby.Execute(t.Context(), "CREATE TABLE refused ()"); err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("a write to the standby: %v", err)
	}
	if err := primary.Execute(t.Context(), "CREATE TABLE acknowledged ()"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(primary.Kill(t.Context()), standby.Promote(t.Context())); err != nil {
		t.Fatal(err)
	}
	if err := standby.Execute(t.Context(), "DROP TABLE acknowledged"); err != nil {
		t.Errorf("after the promotion: %v", err)
	}
	if err := standby.Crash(t.Context()); err != nil {
		t.Error(err)
	}
}

func remove(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Remove(); err != nil {
		t.Error(err)
	}
}
