package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// SQLite's own page limit stands for a disk that is full.
func TestFullDatabaseIsAnOutageAndLeavesNothingHalfWritten(t *testing.T) {
	store, err := Open(t.Context(), filepath.Join(t.TempDir(), "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var full atomic.Bool
	connect := store.writer.connect
	store.writer.connect = func() (*session, error) { // every connection that replaces a lost one is as limited
		s, err := connect()
		if err == nil && full.Load() {
			err = s.run(`PRAGMA max_page_count = 1`) // SQLite takes the present size instead
		}
		return s, err
	}
	limit := func(pragma string) {
		t.Helper()
		if err := store.write(t.Context(), "limit", func(tx *session) error { return tx.run(pragma) }); err != nil {
			t.Fatal(err)
		}
	}
	survivesFullDisk(t, store,
		func() { full.Store(true); limit(`PRAGMA max_page_count = 1`) },
		func() { full.Store(false); limit(`PRAGMA max_page_count = 1000000`) })
}

// survivesFullDisk writes through a full disk and checks what is left once there is space again.
func survivesFullDisk(t *testing.T, store *Store, fill, empty func()) {
	t.Helper()
	ctx := t.Context()
	var codes []storage.Code
	for i := range 40 {
		code, err := issue(ctx, store, numbered("code", i))
		if err != nil {
			t.Fatal(err)
		}
		code.Resource = strings.Repeat("x", 3000) // a grant that does not fit into what its table has left
		codes = append(codes, code)
	}
	fill()
	clients := fillWithClients(t, store)

	var together sync.WaitGroup
	told := make([]error, len(codes))
	for i, code := range codes {
		together.Go(func() { told[i] = exchange(context.WithoutCancel(ctx), store, code) })
	}
	together.Wait()
	refused := 0
	for _, err := range told {
		if err != nil {
			refused++
			wantOutage(t, err)
		}
	}
	if refused == 0 {
		t.Error("no redemption noticed that the disk is full")
	}
	t.Logf("%d of %d redemptions were refused", refused, len(told))
	if _, err := store.Code(ctx, codes[0].Hash); err != nil {
		t.Errorf("reading from a full disk: %v", err)
	}

	empty()
	if err := store.Ping(ctx); err != nil {
		t.Errorf("with space again: %v", err)
	}
	checkIntegrity(t, store)
	for i, code := range codes {
		checkWhole(t, store, code, told[i] == nil)
	}
	for id, stored := range clients {
		if _, err := store.Client(ctx, id); (err == nil) != stored {
			t.Errorf("%s was stored: %t, now it answers %v", id, stored, err)
		}
	}
}

// fillWithClients creates clients until three in a row fail, and says which were stored.
func fillWithClients(t *testing.T, store *Store) map[string]bool {
	t.Helper()
	stored := map[string]bool{}
	failures := 0
	for i := 0; failures < 3; i++ {
		if i == 10_000 {
			t.Fatal("the disk does not get full")
		}
		id := numbered("filler", i)
		client := storage.Client{ID: id, Name: strings.Repeat("x", 3000), CreateTime: noon}
		err := store.CreateClient(t.Context(), client, 1<<30)
		stored[id] = err == nil
		if err != nil {
			failures++
			wantOutage(t, err)
		} else {
			failures = 0
		}
	}
	return stored
}

// wantOutage also looks behind an error: that is what callers do to tell verdicts.
func wantOutage(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("an outage answered %v, want %v", err, storage.ErrUnavailable)
	}
	for _, verdict := range storage.Verdicts() {
		if errors.Is(err, verdict) {
			t.Errorf("an outage is told as a verdict: %v", err)
		}
	}
}
