// Package e2e tests gatehouse from outside: it builds the binary, runs it and talks to it over HTTP and gRPC, as
// clients, browsers, operators and attackers do. It knows the contract in gen/ and nothing of the inside.
//
// A plain "go test ./e2e" needs nothing but Go. What else is installed or was fetched before is used by itself; these
// say more:
//
//	GATEHOUSE_E2E_BINARY=path    test this binary instead of building one
//	GATEHOUSE_E2E_BROWSER=1      fail without a Chromium; GATEHOUSE_E2E_CHROMIUM=path names one
//	GATEHOUSE_E2E_KEYCLOAK=1     fetch a real Keycloak with Maven (needs Java 17)
//	GATEHOUSE_E2E_PYTHON=1       fetch FastMCP with pip (needs Python 3.11)
//	GATEHOUSE_E2E_CONFORMANCE=1  fetch the conformance suite of the MCP project (needs npm)
//	GATEHOUSE_E2E_POSTGRES=1     fail without a PostgreSQL
//	GATEHOUSE_E2E_RACES=n        present codes n times to two replicas instead of 3200 times; for a full run
//	                             n is 1000000 and go test's -timeout an hour
//	GATEHOUSE_E2E_CACHE=dir      keep what was fetched there (default: gatehouse-e2e in the user's cache folder)
//	GATEHOUSE_E2E_REQUIRE=1      fail where a test would be skipped
package e2e

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/program"
)

// binary is the program under test. TestMain sets it.
var binary string

func TestMain(m *testing.M) {
	if hook := os.Getenv(openerHook); hook != "" {
		os.Exit(handOver(hook, os.Args[1:]))
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "gatehouse-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if binary, err = program.Binary(ctx, dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}
