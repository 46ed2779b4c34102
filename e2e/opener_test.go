package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
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
