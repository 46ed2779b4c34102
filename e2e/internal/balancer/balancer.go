// Package balancer is a load balancer for tests: one public origin before several replicas. It is as bad to them as it may
// be: whoever asks twice in a row is sent to two replicas.
package balancer

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
)

// sessionHeader names the MCP session, which lives in one replica.
const sessionHeader = "Mcp-Session-Id"

// Balancer is a running load balancer. Close it after use.
type Balancer struct {
	server    *http.Server
	listener  net.Listener
	transport *http.Transport

	mu       sync.Mutex
	turn     int
	replicas []string          // host and port of each
	sessions map[string]string // from MCP session to its replica
}

// Start runs a balancer at an address. Requests of one MCP session go to the replica that began it; all others take turns.
// A request whose replica cannot be reached is cut off without an answer, so that no status is the balancer's own.
func Start(addr string, replicas ...string) (*Balancer, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("balancer: %w", err)
	}
	b := &Balancer{
		listener:  listener,
		transport: &http.Transport{MaxIdleConnsPerHost: 512},
		replicas:  replicas,
		sessions:  make(map[string]string),
	}
	b.server = &http.Server{Handler: &httputil.ReverseProxy{
		Rewrite:        b.route,
		Transport:      b.transport,
		ModifyResponse: b.remember,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:       slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}}
	go func() { _ = b.server.Serve(listener) }()
	return b, nil
}

// Use sends requests that begin from now on to these replicas only.
func (b *Balancer) Use(replicas ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.replicas = replicas
}

// Close ends the balancer.
func (b *Balancer) Close() {
	_ = b.server.Close()
	b.transport.CloseIdleConnections()
}

// route chooses the replica. The Host header stays that of the public origin.
func (b *Balancer) route(r *httputil.ProxyRequest) {
	r.SetURL(&url.URL{Scheme: "http", Host: b.replica(r.In.Header.Get(sessionHeader))})
	r.Out.Host = r.In.Host
}

func (b *Balancer) replica(session string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if replica, ok := b.sessions[session]; ok {
		return replica
	}
	b.turn++
	return b.replicas[b.turn%len(b.replicas)]
}

func (b *Balancer) remember(res *http.Response) error {
	if session := res.Header.Get(sessionHeader); session != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.sessions[session] = res.Request.URL.Host
	}
	return nil
}

// Direct is a way to one replica for requests that are addressed to the public origin.
func Direct(replica string) *http.Transport {
	var dialer net.Dialer
	return &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, replica)
		},
		MaxIdleConnsPerHost: 512,
	}
}
