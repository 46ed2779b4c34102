package postgrestest

import (
	"bytes"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
)

// Fault is what happens to a request.
type Fault int

// Faults.
const (
	// LostRequest: the connection breaks and the server has never heard of the request.
	LostRequest Fault = iota + 1
	// LostReply: the connection breaks after the server has done what it was asked for.
	LostReply
	// Silence: the request and all that follows on its connection go nowhere, and nobody is told.
	Silence
)

// Proxy is a way to a server over TCP that can fail at a chosen moment.
type Proxy struct {
	listener net.Listener
	server   string
	lines    sync.WaitGroup

	mu    sync.Mutex
	fault Fault
	match []byte
	open  map[net.Conn]bool
}

// StartProxy opens a way to the server for a test.
func (s *Server) StartProxy(t testing.TB) *Proxy {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{
		listener: listener, server: filepath.Join(s.directory, ".s.PGSQL.5432"), open: make(map[net.Conn]bool),
	}
	p.lines.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// URL returns the address of a database through the proxy.
func (p *Proxy) URL(database string) string {
	return "postgres://" + p.listener.Addr().String() + "/" + database + "?" +
		url.Values{"user": {"gatehouse"}, "sslmode": {"disable"}}.Encode()
}

// Fail lets the next request that contains a text meet a fault.
func (p *Proxy) Fail(fault Fault, match string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.match = fault, []byte(match)
}

// met returns the fault that a request meets, which happens once.
func (p *Proxy) met(request []byte) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault == 0 || !bytes.Contains(request, p.match) {
		return 0
	}
	fault := p.fault
	p.fault = 0
	return fault
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", p.server) //nolint:noctx // for tests only
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.open[client], p.open[server] = true, true
		p.mu.Unlock()
		l := &line{proxy: p, client: client, server: server, fault: make(chan Fault, 1)}
		p.lines.Go(l.requests)
		p.lines.Go(l.replies)
	}
}

func (p *Proxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	for conn := range p.open {
		_ = conn.Close()
	}
	p.mu.Unlock()
	p.lines.Wait()
}

// line is one connection.
type line struct {
	proxy          *Proxy
	client, server net.Conn
	fault          chan Fault
}

func (l *line) hangUp() {
	_ = l.client.Close()
	_ = l.server.Close()
}

// requests carries what the client says. The driver sends what belongs together in one piece.
func (l *line) requests() {
	defer l.hangUp()
	buffer := make([]byte, 1<<20)
	silent := false
	for {
		n, err := l.client.Read(buffer)
		if err != nil {
			return
		}
		switch l.proxy.met(buffer[:n]) {
		case LostRequest:
			return
		case LostReply:
			l.fault <- LostReply
		case Silence:
			silent = true
		}
		if silent {
			continue
		}
		if _, err := l.server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// replies carries what the server says.
func (l *line) replies() {
	defer l.hangUp()
	buffer := make([]byte, 1<<20)
	lost := false
	for {
		n, err := l.server.Read(buffer)
		if err != nil {
			return
		}
		select {
		case <-l.fault:
			lost = true
		default:
		}
		if lost && readyForQuery(buffer[:n]) {
			return
		}
		if lost {
			continue
		}
		if _, err := l.client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// readyForQuery reports whether a reply is complete: the server says so at its end (PostgreSQL manual, section 55.7).
func readyForQuery(reply []byte) bool {
	const size = 6
	return len(reply) >= size && bytes.HasPrefix(reply[len(reply)-size:], []byte("Z\x00\x00\x00\x05"))
}
