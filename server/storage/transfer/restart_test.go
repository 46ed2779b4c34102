package transfer_test

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/storage/postgres/postgrestest"
	"github.com/gatehouse-auth/gatehouse/server/storage/transfer"
)

// A copy that is killed again and again, each time a few steps further on, ends up equal.
func TestKilledCopyGoesOnWhereItWas(t *testing.T) {
	from, to := newFile(t), newFile(t)
	fill(t, from, 100)
	kills := 0
	for steps := 5; !copyAndKill(t, from, to, steps); steps += 17 {
		kills++
	}
	if kills < 3 {
		t.Errorf("the copy was killed %d times", kills)
	}
	wantSame(t, to, from)
	if err := move(t, from, to); err != nil {
		t.Error(err)
	}
}

// copyAndKill starts a child that copies, kills it after some steps, and reports whether it was done before.
func copyAndKill(t *testing.T, from, to file, steps int) (done bool) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), copyFrom+"="+string(from), copyTo+"="+string(to))
	child.Stderr = os.Stderr
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	count := 0
	for lines.Scan() {
		if count++; count == steps {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	err = child.Wait()
	if err != nil && count < steps {
		t.Fatalf("the child failed by itself: %v", err)
	}
	return err == nil
}

// A context that ends is how a signal stops the command.
func TestStoppedCopyGoesOnWhereItWas(t *testing.T) {
	server := postgrestest.Start(t)
	from, between, to := newFile(t), newDatabase(t, server), newFile(t)
	fill(t, from, 30)
	stopAndGoOn(t, from, between)
	stopAndGoOn(t, between, to)
	wantSame(t, to, from)
}

// stopAndGoOn stops a copy after ever more steps until it is done.
func stopAndGoOn(t *testing.T, from, to place) {
	t.Helper()
	for steps := 1; ; steps += 13 {
		ctx, stop := context.WithCancel(t.Context())
		taken := 0
		report := transfer.WithReport(func(transfer.Progress) {
			if taken++; taken == steps {
				stop()
			}
		})
		var err error
		use(t, from.export, func(source opened) {
			use(t, to.fill, func(target opened) { err = transfer.Copy(ctx, source, target, transfer.WithBatch(4), report) })
		})
		stop()
		switch {
		case err == nil:
			return
		case !errors.Is(err, context.Canceled):
			t.Fatal(err)
		}
	}
}
