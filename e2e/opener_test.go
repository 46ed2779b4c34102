package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/program"
)

// openerHook is the variable that turns this test binary into a command that opens a browser. It holds the URL to which
// the command hands the address.
const openerHook = "GATEHOUSE_E2E_OPENER"

// opener stands in for the browser that programs open: it collects the addresses for the test to visit.
type opener struct {
	server    *httptest.Server
	addresses chan string
}

func newOpener(t *testing.T) *opener {
	t.Helper()
	o := &opener{addresses: make(chan string, 10)}
	o.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		address, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		o.addresses <- string(address)
	}))
	t.Cleanup(o.server.Close)
	return o
}

// env makes a program open this browser. It is the convention of the BROWSER variable that %s is the address.
func (o *opener) env(t *testing.T) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{"BROWSER=" + self + " %s", openerHook + "=" + o.server.URL}
}

// runWithBrowser runs a program to its end, and returns what it printed and how often it opened a browser. Whenever it
// does, alice allows and logs in.
func (d *deployment) runWithBrowser(t *testing.T, path string, args ...string) (output []byte, logins int) {
	t.Helper()
	browsers := newOpener(t)
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, browsers.env(t)...)
	var printed, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &problems
	ended := make(chan error, 1)
	go func() { ended <- cmd.Run() }()
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("%v\n%s", err, problems.String())
			}
			return printed.Bytes(), logins
		case address := <-browsers.addresses:
			logins++
			d.finishAtProgram(t, address)
		case <-time.After(2 * time.Minute):
			t.Fatal("the program neither ended nor opened a browser within two minutes")
		}
	}
}

// finishAtProgram allows and logs in as alice, and goes back to the program that opened the browser. Programs begin to
// listen only after the browser was opened.
func (d *deployment) finishAtProgram(t *testing.T, address string) {
	t.Helper()
	request, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	page := approve(t, d.newBrowser(t, request.Query().Get("redirect_uri")), address, d.alice)
	if !page.Left {
		t.Fatalf("the browser did not come back to the program: %s", page)
	}
	d.secrets.Add("authorization code", page.URL.Query().Get("code"))
	d.secrets.Add(kindClientState, page.URL.Query().Get("state"))
	eventually(t, 10*time.Second, "the end of the login", func() bool {
		return program.Answers(page.URL.String())(t.Context())
	})
}

// handOver is the command: it gives the address to the test that listens at the hook, and returns at once.
func handOver(hook string, args []string) int {
	if len(args) != 1 {
		fmt.Fprintln(os.Stderr, "usage: opener ADDRESS")
		return 2
	}
	res, err := http.Post(hook, "text/plain", strings.NewReader(args[0]))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	res.Body.Close()
	return 0
}
