package transfer_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/gatehouse-auth/gatehouse/server/storage/sqlite"
	"github.com/gatehouse-auth/gatehouse/server/storage/transfer"
)

// Databases that a child process copies until it is killed, and how many rows it moves in one step.
const (
	copyFrom  = "GATEHOUSE_TEST_COPY_FROM"
	copyTo    = "GATEHOUSE_TEST_COPY_TO"
	killBatch = 7
)

func TestMain(m *testing.M) {
	if from := os.Getenv(copyFrom); from != "" {
		if err := copyFiles(context.Background(), from, os.Getenv(copyTo)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1) //nolint:forbidigo // this is a main of its own
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// copyFiles copies one file to another and prints a line for each step.
func copyFiles(ctx context.Context, from, to string) error {
	source, err := sqlite.OpenForExport(ctx, from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := sqlite.OpenForImport(ctx, to)
	if err != nil {
		return err
	}
	err = transfer.Copy(ctx, source, target, transfer.WithBatch(killBatch), transfer.WithReport(func(p transfer.Progress) {
		fmt.Fprintln(os.Stdout, p.Stage, p.Table, p.Sum)
	}))
	if err != nil {
		return err
	}
	return target.Close()
}
