// Package postgres runs PostgreSQL servers for tests, from the programs that a Linux distribution installs. Each server has
// its own folder and port, keeps nothing, and is as durable as one in production: fsync is on.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// ErrMissing says that PostgreSQL is not installed.
var ErrMissing = errors.New("postgres: no initdb in /usr/lib/postgresql/*/bin and in PATH")

// Programs are installed programs of PostgreSQL.
type Programs struct {
	folder string
	// account runs them. They refuse to be root; nil is the account of the tests.
	account *syscall.Credential
}

// Find returns the newest programs on this machine. The error is ErrMissing when there are none.
func Find() (Programs, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return Programs{}, fmt.Errorf("postgres: %w", err)
	}
	path := ""
	if len(found) > 0 {
		path = slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	} else if path, err = exec.LookPath("initdb"); err != nil {
		return Programs{}, ErrMissing
	}
	account, err := unprivileged()
	if err != nil {
		return Programs{}, err
	}
	return Programs{folder: filepath.Dir(path), account: account}, nil
}

// version is the number in /usr/lib/postgresql/NUMBER/bin/initdb.
func version(path string) int {
	number, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return number
}

// unprivileged is the account that the packages make, or another without rights, when we are root.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(account.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(account.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(errUID, errGID)
	}
	return nil, errors.New("postgres: there is no unprivileged account such as postgres or nobody")
}

// makeFolder makes a folder that the account can use.
func (p Programs) makeFolder() (string, error) {
	folder, err := os.MkdirTemp("", "gatehouse-e2e-postgres-")
	if err != nil {
		return "", fmt.Errorf("postgres: %w", err)
	}
	if p.account != nil {
		err = os.Chown(folder, int(p.account.Uid), int(p.account.Gid))
	}
	return folder, err
}

// run runs a program in a folder, with the password of the database in its environment, and returns what it printed.
func (p Programs) run(ctx context.Context, folder, password, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(p.folder, name), args...)
	cmd.Dir = folder
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "PGPASSWORD=" + password, "PGCONNECT_TIMEOUT=10"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.account}
	output, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("postgres: %s: %w\n%s", name, err, output)
	}
	return string(output), nil
}
