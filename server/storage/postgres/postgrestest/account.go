package postgrestest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
)

// account is the operating system's account under which servers run. PostgreSQL and PgBouncer refuse to be root.
type account struct {
	uid, gid int // of another account, when we are root; otherwise -1
}

func unprivileged() (account, error) {
	if os.Geteuid() != 0 {
		return account{-1, -1}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.Atoi(found.Uid)
		if err != nil {
			return account{}, err
		}
		gid, err := strconv.Atoi(found.Gid)
		return account{uid, gid}, err
	}
	return account{}, fmt.Errorf("an account for servers, such as postgres, is %w", errMissing)
}

// directory makes an empty directory that belongs to the account.
func (a account) directory() (string, error) {
	path, err := os.MkdirTemp("", "gatehouse-postgres-")
	if err != nil || a.uid < 0 {
		return path, err
	}
	return path, os.Chown(path, a.uid, a.gid)
}

// command prepares a program that runs as the account, in a directory of its own.
func (a account) command(ctx context.Context, directory, program string, args ...string) *exec.Cmd {
	if a.uid >= 0 {
		args = append([]string{
			"--reuid=" + strconv.Itoa(a.uid), "--regid=" + strconv.Itoa(a.gid), "--clear-groups", "--", program,
		}, args...)
		program = "setpriv"
	}
	command := exec.CommandContext(ctx, program, args...) //nolint:gosec // for tests only
	command.Dir = directory
	return command
}
