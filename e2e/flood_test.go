package e2e

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

const (
	floodSources   = 256
	floodPerSource = 40
)

// TestFloodOfRegistrationsMeetsTheLimits: ten thousand registrations from 256 addresses, none of which asks for much, are
// answered as the limit for all together says.
func TestFloodOfRegistrationsMeetsTheLimits(t *testing.T) {
	const burst, perSecond = 1500, 1500 / 120.0 // GATEHOUSE_REGISTER_LIMIT_TOTAL
	d := startBuiltIn(t)
	victim := d.connect(t, d.alice)
	begin := time.Now()
	f := startFlood(t, d)
	victim = d.refreshDuring(t, victim, f)
	bound := burst + perSecond*time.Since(begin).Seconds() + 1
	if admitted := float64(f.admitted.Load()); admitted > bound || f.refused.Load() == 0 {
		t.Errorf("%v were admitted and %d refused; the limit is %.0f", admitted, f.refused.Load(), bound)
	}
	d.checkRefreshes(t, victim)
}

// TestFloodOfRegistrationsFillsNoTable: without limits everybody is admitted, and takes the place of those who came before
// and did nothing. Who has a grant stays, and so does who is in the middle of a login.
func TestFloodOfRegistrationsFillsNoTable(t *testing.T) {
	const bound = 500
	d := startBuiltIn(t, map[string]string{
		"GATEHOUSE_REGISTER_LIMIT": "0", "GATEHOUSE_REGISTER_LIMIT_TOTAL": "0",
		"GATEHOUSE_MAX_UNUSED_CLIENTS": strconv.Itoa(bound),
	})
	victim := d.connect(t, d.alice)
	before := d.dataSize(t)

	newcomer := d.register(t)
	b := d.newBrowser(t, newcomer.redirectURI)
	attempt := d.server.NewAttempt(newcomer.id, newcomer.redirectURI)
	atProvider := decide(t, b, openConsent(t, b, d.server.AuthorizeURL(attempt)), "allow")

	f := startFlood(t, d)
	victim = d.refreshDuring(t, victim, f)
	if f.admitted.Load() != floodSources*floodPerSource {
		t.Errorf("%d were admitted of %d", f.admitted.Load(), floodSources*floodPerSource)
	}
	used, unused := d.countClients(t)
	if used != 1 || unused > bound+1 { // beside the bound stands the newcomer's, who is at the provider
		t.Errorf("%d clients with a login and %d without, of which there may be %d", used, unused, bound)
	}
	t.Logf("the data directory grew from %d to %d KiB", before/1024, d.dataSize(t)/1024)

	code := d.codeOf(t, logIn(t, b, atProvider, d.bob), attempt)
	if answer := d.exchange(t, attempt.ExchangeForm(code)); answer.Status != http.StatusOK {
		t.Errorf("who was at the provider during the flood: %s", answer)
	}
	d.checkRefreshes(t, victim)
	d.connect(t, d.bob)
}

// flood is registrations from many addresses at once.
type flood struct {
	admitted, refused atomic.Int64
	done              chan struct{}
}

// startFlood begins a flood, which ends by itself.
func startFlood(t *testing.T, d *deployment) *flood {
	t.Helper()
	if runtime.GOOS != "linux" {
		missing(t, "GATEHOUSE_E2E_REQUIRE", "only Linux lets a program use every loopback address", "run it on Linux")
	}
	f := &flood{done: make(chan struct{})}
	var sources sync.WaitGroup
	for i := range floodSources {
		sources.Go(func() { f.pour(t, d, net.IPv4(127, 0, 1, byte(i))) })
	}
	go func() {
		sources.Wait()
		close(f.done)
	}()
	t.Cleanup(func() { <-f.done })
	return f
}

// pour sends what comes from one address.
func (f *flood) pour(t *testing.T, d *deployment, source net.IP) {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: source}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	defer transport.CloseIdleConnections()
	server := d.server
	server.Transport = transport
	for range floodPerSource {
		answer, err := server.Register(t.Context(), nativeMetadata("http://127.0.0.1:33418/callback"))
		switch {
		case err != nil:
			t.Errorf("a registration: %v", err)
		case answer.Status == http.StatusCreated:
			f.admitted.Add(1)
		case answer.Status == http.StatusTooManyRequests && answer.Header.Get("Retry-After") != "":
			f.refused.Add(1)
		default:
			t.Errorf("a registration: %s", answer)
		}
	}
}

// refreshDuring refreshes a session until the flood is over, and says how long that took beside a time of peace. On two
// cores, most of which the flood itself needs, no bound of it would be one on any machine.
func (d *deployment) refreshDuring(t *testing.T, s session, f *flood) session {
	t.Helper()
	var took []time.Duration
	timed := func() {
		begin := time.Now()
		s = d.refreshed(t, s)
		took = append(took, time.Since(begin))
	}
	for flooded := true; flooded; {
		timed()
		select {
		case <-f.done:
			flooded = false
		default:
		}
	}
	during := quantile(took, 0.99)
	took = nil
	for range 200 {
		timed()
	}
	t.Logf("99th percentile of a refresh: %s during the flood, %s after it", during, quantile(took, 0.99))
	return s
}

func quantile(values []time.Duration, q float64) time.Duration {
	slices.Sort(values)
	return values[min(int(q*float64(len(values))), len(values)-1)]
}

// countClients counts those that were used and those that never were.
func (d *deployment) countClients(t *testing.T) (used, unused int) {
	t.Helper()
	admin, ctx := d.admin(t)
	request := &gatehousev1.ListClientsRequest{PageSize: 500}
	for {
		page, err := admin.ListClients(ctx, request)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.GetClients() {
			if c.GetLastUsedTime() == nil {
				unused++
			} else {
				used++
			}
		}
		if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
			return used, unused
		}
	}
}

// dataSize is how many bytes the data directory has.
func (d *deployment) dataSize(t *testing.T) (size int64) {
	t.Helper()
	entries, err := os.ReadDir(d.dataDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if info, err := os.Stat(filepath.Join(d.dataDir, entry.Name())); err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
	}
	return size
}
