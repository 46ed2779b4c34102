package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// crashChild names the database that a child process is to write to until it is killed.
const crashChild = "GATEHOUSE_TEST_CRASH_DATABASE"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashChild); path != "" {
		writeUntilKilled(path)
	}
	goleak.VerifyTestMain(m)
}

// writeUntilKilled issues and redeems codes, rotates what they turn into, and prints a line for each step that was
// acknowledged.
func writeUntilKilled(path string) {
	ctx := context.Background()
	store, err := Open(ctx, path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var workers sync.WaitGroup
	for worker := range 16 {
		workers.Go(func() {
			for i := 0; ; i++ {
				name := numbered(numbered(fmt.Sprint(os.Getpid()), worker), i)
				code, err := issue(ctx, store, name)
				if err == nil {
					fmt.Println("issued", name) // one write, which a pipe keeps whole
					err = exchange(ctx, store, code)
				}
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				fmt.Println("redeemed", name)
				if _, err := rotate(ctx, store, code.GrantID, 1); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				fmt.Println("rotated", name)
			}
		})
	}
	workers.Wait()
}

// A process that is killed at any moment loses nothing that it acknowledged, and leaves nothing half done.
func TestKilledProcessLosesNothingAcknowledged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	for round := range 6 {
		told := runAndKill(t, path, 1+rand.IntN(400))
		t.Logf("round %d: %d codes, %d redemptions and %d rotations were acknowledged",
			round, len(told["issued"]), len(told["redeemed"]), len(told["rotated"]))
		store, err := Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		checkIntegrity(t, store)
		for name := range told["issued"] {
			checkWhole(t, store, codeNamed(name), told["redeemed"][name])
		}
		for name := range told["redeemed"] {
			checkLine(t, store, codeNamed(name).GrantID, told["rotated"][name])
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// checkLine checks that a client that remembers its first refresh token only can go on, and that an acknowledged
// rotation is what it goes on from.
func checkLine(t *testing.T, s storage.Store, grantID string, acknowledged bool) {
	t.Helper()
	rotated, err := rotate(t.Context(), s, grantID, 1)
	if err != nil {
		t.Errorf("%s: its client is locked out: %v", grantID, err)
		return
	}
	if acknowledged && !rotated.Repeated {
		t.Errorf("%s: its acknowledged rotation is gone", grantID)
	}
	if head := rotated.Grant.Refresh; head.Generation != 2 || !head.Hash.Equal(refreshHash(grantID, 2)) {
		t.Errorf("%s: its line stands at generation %d", grantID, head.Generation)
	}
}

// runAndKill starts the child, kills it once it has acknowledged some steps, and returns the names by step that it
// acknowledged.
func runAndKill(t *testing.T, path string, steps int) map[string]map[string]bool {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), crashChild+"="+path)
	child.Stderr = os.Stderr
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := map[string]map[string]bool{"issued": {}, "redeemed": {}, "rotated": {}}
	lines := bufio.NewScanner(output)
	for count := 1; lines.Scan(); count++ {
		step, name, _ := strings.Cut(lines.Text(), " ")
		acknowledged[step][name] = true
		if count == steps {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || len(acknowledged["issued"]) == 0 {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return acknowledged
}
