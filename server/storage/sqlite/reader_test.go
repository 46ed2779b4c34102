package sqlite

import (
	"path/filepath"
	"testing"
)

func TestConnectionOfALookupIsKeptUntilOneFails(t *testing.T) {
	store, err := Open(t.Context(), filepath.Join(t.TempDir(), "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var number int64
	lookup := func(query string) (kept *session) {
		err = store.reader.lookup(t.Context(), []any{&number}, query)
		for range cap(store.reader.lookups) { // the one that was used was put back last
			kept = <-store.reader.lookups
			store.reader.lookups <- kept
		}
		return kept
	}
	if kept := lookup(`SELECT 1`); err != nil || number != 1 || kept == nil {
		t.Errorf("a row: %d, %v, kept %t", number, err, kept != nil)
	}
	for range cap(store.reader.lookups) {
		if kept := lookup(`SELECT 1 WHERE false`); err == nil || kept == nil {
			t.Errorf("no row: %v, kept %t", err, kept != nil)
		}
	}
	if kept := lookup(`SELECT 'no number'`); err == nil || kept != nil {
		t.Errorf("a failure: %v, kept %t", err, kept != nil)
	}
}
