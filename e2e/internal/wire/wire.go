// Package wire is a network path for tests. It can do what networks do to connections: lose them without telling anybody.
package wire

import (
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// Wire forwards TCP connections. Close it after use.
type Wire struct {
	listener net.Listener
	target   string
	group    sync.WaitGroup

	mu   sync.Mutex
	open map[net.Conn]*path
}

// path is both connections of one that is forwarded.
type path struct {
	near, far net.Conn
	cut       atomic.Bool
}

// Start forwards connections from an address of its own on loopback to a target.
func Start(target string) (*Wire, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	w := &Wire{listener: listener, target: target, open: make(map[net.Conn]*path)}
	w.group.Go(w.serve)
	return w, nil
}

// Addr is the host and port to connect to.
func (w *Wire) Addr() string { return w.listener.Addr().String() }

// Cut loses the connections that are open: they stay open, and whatever is sent on them goes nowhere. New ones are forwarded.
func (w *Wire) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.open {
		p.cut.Store(true)
	}
}

// Close ends all connections.
func (w *Wire) Close() error {
	err := w.listener.Close()
	w.mu.Lock()
	for _, p := range w.open {
		p.close()
	}
	w.mu.Unlock()
	w.group.Wait()
	return err
}

func (w *Wire) serve() {
	for {
		near, err := w.listener.Accept()
		if err != nil {
			return // closed
		}
		far, err := net.Dial("tcp", w.target)
		if err != nil {
			_ = near.Close()
			continue
		}
		p := &path{near: near, far: far}
		w.mu.Lock()
		w.open[near] = p
		w.mu.Unlock()
		w.group.Go(func() { w.forward(p) })
	}
}

// forward copies both ways until one side ends.
func (w *Wire) forward(p *path) {
	var group sync.WaitGroup
	group.Go(func() { p.copy(p.far, p.near) })
	group.Go(func() { p.copy(p.near, p.far) })
	group.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, p.near)
}

func (p *path) copy(to io.Writer, from io.Reader) {
	defer p.close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if p.cut.Load() {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (p *path) close() {
	_ = p.near.Close()
	_ = p.far.Close()
}
