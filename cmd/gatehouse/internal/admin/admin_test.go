package admin

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fullstorydev/grpchan/inprocgrpc"
	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// core records what changes, and lists in pages.
type core struct {
	gatehousev1.UnimplementedAdminServiceServer

	clients []*gatehousev1.Client
	grants  []*gatehousev1.Grant
	secret  *string
	listed  []*gatehousev1.ListGrantsRequest
	revoked *gatehousev1.RevokeGrantsRequest
	rotated *gatehousev1.RotateKeysRequest
	changes []string
	err     error
}

// desk is an operator's terminal in front of a core.
type desk struct {
	*Admin

	core     *core
	out, err bytes.Buffer
}

func newDesk(c *core, console Console) *desk {
	d := &desk{core: c}
	channel := new(inprocgrpc.Channel)
	gatehousev1.RegisterAdminServiceServer(channel, c)
	console.Out, console.Err = &d.out, &d.err
	d.Admin = New(channel, console)
	return d
}

// check compares what was printed, without the padding of columns.
func (d *desk) check(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for line := range strings.Lines(d.out.String()) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	if !slices.Equal(got, want) {
		t.Errorf("printed\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestWhatEndsSomethingIsConfirmed(t *testing.T) {
	commands := map[string]func(context.Context, *Admin) error{
		"delete client c": func(ctx context.Context, a *Admin) error { return a.DeleteClient(ctx, "c") },
		"revoke grants":   func(ctx context.Context, a *Admin) error { return a.RevokeGrants(ctx, GrantFilter{Grant: "g"}) },
		"remove key k":    func(ctx context.Context, a *Admin) error { return a.RemoveKey(ctx, "k") },
		"rotate at once":  func(ctx context.Context, a *Admin) error { return a.RotateKeys(ctx, true) },
	}
	tests := map[string]struct {
		yes, interactive bool
		typed            string
		confirmed        bool
	}{
		"--yes":                {true, false, "", true},
		"--yes on a terminal":  {true, true, "n\n", true},
		"nobody there":         {false, false, "y\n", false},
		"y":                    {false, true, "y\n", true},
		"YES":                  {false, true, " YES \r\n", true},
		"n":                    {false, true, "n\n", false},
		"an empty line":        {false, true, "\n", false},
		"more than a yes":      {false, true, "yes but\n", false},
		"the end of the input": {false, true, "", false},
	}
	for change, command := range commands {
		for name, test := range tests {
			d := newDesk(&core{}, Console{Yes: test.yes, Interactive: test.interactive, In: strings.NewReader(test.typed)})
			err := command(t.Context(), d.Admin)
			if done := slices.Equal(d.core.changes, []string{change}); done != test.confirmed || errors.Is(err, ErrNotConfirmed) == done {
				t.Errorf("%s, %s: changed %v, %v", change, name, d.core.changes, err)
			}
			if asked := strings.Contains(d.err.String(), "[y/N]"); asked != (test.interactive && !test.yes) {
				t.Errorf("%s, %s: asked %q", change, name, d.err.String())
			}
			if strings.Contains(d.out.String(), "[y/N]") {
				t.Errorf("%s, %s: the question is in the answer", change, name)
			}
		}
	}
}

func TestInterruptEndsAQuestion(t *testing.T) {
	in, typing := io.Pipe()
	defer func() { _ = typing.Close() }()
	ctx, interrupt := context.WithCancel(t.Context())
	d := newDesk(&core{}, Console{Interactive: true, In: in})
	time.AfterFunc(time.Millisecond, interrupt)
	if err := d.DeleteClient(ctx, "c"); !errors.Is(err, ErrNotConfirmed) || len(d.core.changes) != 0 {
		t.Errorf("%v, changed %v", err, d.core.changes)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	outage, err := status.New(codes.Unavailable, "The server cannot answer.").WithDetails(&errdetails.RetryInfo{})
	if err != nil {
		t.Fatal(err)
	}
	for want, err := range map[string]error{
		"gatehouse serve":            status.Error(codes.Unavailable, "connection refused"),
		"The server cannot answer.":  outage.Err(),
		"GATEHOUSE_ADMIN_TOKEN_FILE": status.Error(codes.Unauthenticated, "no"),
		"no such client":             status.Error(codes.NotFound, "no such client"),
	} {
		d := newDesk(&core{err: err}, Console{})
		got := d.ListKeys(t.Context())
		if got == nil || !strings.Contains(got.Error(), want) || strings.Contains(got.Error(), "rpc error") {
			t.Errorf("%v became %v, want %q", err, got, want)
		}
		if running := !strings.Contains(got.Error(), "is gatehouse serve running"); running != (want != "gatehouse serve") {
			t.Errorf("%v became %v", err, got)
		}
	}
}

func TestNamesOfStrangersDoNotDriveTheTerminal(t *testing.T) {
	for name, want := range map[string]string{
		"plain Ünïcode 名前":                  "plain Ünïcode 名前",
		"a\x1b[2Jb":                         "a[2Jb",
		"a\u009b31mb\x7f":                   "a31mb",
		"a\tb\nc\r":                         "abc",
		"harmless\u202egpj.exe\u2066\u200b": "harmlessgpj.exe",
	} {
		if got := printable(name); got != want {
			t.Errorf("%q became %q, want %q", name, got, want)
		}
	}
}
