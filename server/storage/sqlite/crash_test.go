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
)

// crashChild names the database that a child process is to write to until it is killed.
const crashChild = "GATEHOUSE_TEST_CRASH_DATABASE"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashChild); path != "" {
		writeUntilKilled(path)
	}
	goleak.VerifyTestMain(m)
}

// writeUntilKilled issues and redeems codes and prints a line for each step that was acknowledged.
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
			}
		})
	}
	workers.Wait()
}

// A process that is killed at any moment loses nothing that it acknowledged, and leaves nothing half done.
func TestKilledProcessLosesNothingAcknowledged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	for round := range 6 {
		issued, redeemed := runAndKill(t, path, 1+rand.IntN(400))
		t.Logf("round %d: %d codes and %d redemptions were acknowledged", round, len(issued), len(redeemed))
		store, err := Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		checkIntegrity(t, store)
		for name := range issued {
			checkWhole(t, store, codeNamed(name), redeemed[name])
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// runAndKill starts the child, kills it once it has acknowledged some steps, and returns all that it acknowledged.
func runAndKill(t *testing.T, path string, steps int) (issued, redeemed map[string]bool) {
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
	acknowledged := map[string]map[string]bool{"issued": {}, "redeemed": {}}
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
	return acknowledged["issued"], acknowledged["redeemed"]
}
