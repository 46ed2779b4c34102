package edge

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/gatehouse-auth/gatehouse/edge/forwarded"
)

func nobody(netip.Addr) bool { return false }

// crowd is a server that takes a few connections only, and answers a path "/wait" once it is let.
type crowd struct {
	t        *testing.T
	listener pipe
	release  chan struct{}
	bound    *connections
}

func newCrowd(t *testing.T, most int) *crowd {
	t.Helper()
	c := &crowd{t: t, listener: make(pipe, 16), release: make(chan struct{}), bound: newConnections(most, most, nobody)}
	server := newServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			<-c.release
		}
	}), discard(), nobody)
	server.ConnState = c.bound.changed
	done := make(chan error)
	go func() { done <- server.Serve(c.listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	return c
}

// dial opens a connection.
func (c *crowd) dial() net.Conn {
	client, remote := net.Pipe()
	c.listener <- remote
	synctest.Wait()
	return client
}

// ask sends a request and leaves the answer to come.
func (c *crowd) ask(conn net.Conn, path string) {
	go func() { _, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: a\r\n\r\n") }()
	synctest.Wait()
}

// answered reads an answer, and reports whether there was one.
func (c *crowd) answered(conn net.Conn) bool {
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil {
		_ = response.Body.Close()
	}
	synctest.Wait()
	return err == nil
}

func TestANewConnectionTakesThePlaceOfTheLongestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 3)
		silent := c.dial()
		first, second := c.dial(), c.dial()
		for _, conn := range []net.Conn{second, first} {
			c.ask(conn, "/")
			if !c.answered(conn) {
				t.Fatal("within the bound there is no answer")
			}
		}
		for i, gone := range []net.Conn{silent, second, first} {
			conn := c.dial()
			c.ask(conn, "/")
			if !c.answered(conn) {
				t.Errorf("new connection %d: no answer", i)
			}
			if _, err := gone.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Errorf("new connection %d: the longest idle one is still open: %v", i, err)
			}
		}
	})
}

func TestARequestUnderWayIsNotCutForANewConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 2)
		busy := []net.Conn{c.dial(), c.dial()}
		for _, conn := range busy {
			c.ask(conn, "/wait")
		}
		if _, err := c.dial().Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("a connection beyond the bound is open: %v", err)
		}
		close(c.release)
		for i, conn := range busy {
			if !c.answered(conn) {
				t.Errorf("request %d was cut", i)
			}
		}
		after := c.dial()
		c.ask(after, "/")
		if !c.answered(after) {
			t.Error("after the requests there is no room")
		}
	})
}

func TestConnectionsAreBoundedAndForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 8)
		var all []net.Conn
		for range 1000 {
			all = append(all, c.dial())
			c.bound.mu.Lock()
			if len(c.bound.open) > 8 || c.bound.waiting.Len() > 8 {
				t.Fatalf("%d open, %d waiting", len(c.bound.open), c.bound.waiting.Len())
			}
			c.bound.mu.Unlock()
		}
		for _, conn := range all {
			_ = conn.Close()
		}
		synctest.Wait()
		c.empty()
	})
}

// from is a connection of a peer.
type from struct {
	net.Conn
	peer   string
	closed bool
}

func (c *from) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(c.peer)) }
func (c *from) Close() error         { c.closed = true; return nil }

func TestASourceHasItsShareOfTheConnections(t *testing.T) {
	for _, tc := range []struct {
		name, first, other string
		shares             bool
	}{
		{"one address", "203.0.113.1:1", "203.0.113.1:2", true},
		{"two addresses", "203.0.113.1:1", "203.0.113.2:1", false},
		{"one /64", "[2001:db8::1]:1", "[2001:db8::ffff:2]:1", true},
		{"two /64", "[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false},
		{"two IPv4 addresses behind one translator", "[64:ff9b::c000:201]:1", "[64:ff9b::c000:202]:1", false},
		{"an IPv4 address, translated and not", "203.0.113.1:1", "[64:ff9b::cb00:7101]:1", true},
		{"IPv4 in both spellings", "203.0.113.1:1", "[::ffff:203.0.113.1]:1", true},
		{"a named proxy", "192.0.2.1:1", "192.0.2.1:2", false},
		{"a proxy here", "127.0.0.1:1", "127.0.0.1:2", false},
		{"a proxy in a private network", "10.0.0.1:1", "10.0.0.1:2", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			admit := &admission{proxies: forwarded.Proxies{netip.MustParsePrefix("192.0.2.0/24")}}
			c := newConnections(10, 2, admit.isMany)
			conns := []*from{{peer: tc.first}, {peer: tc.first}, {peer: tc.other}}
			for _, conn := range conns {
				c.changed(conn, http.StateNew)
				c.changed(conn, http.StateActive)
			}
			if conns[0].closed || conns[1].closed || conns[2].closed != tc.shares {
				t.Errorf("closed: %t, %t, %t; want %t of the third", conns[0].closed, conns[1].closed, conns[2].closed, tc.shares)
			}
			for _, conn := range conns {
				c.changed(conn, http.StateClosed)
			}
			(&crowd{t: t, bound: c}).empty()
		})
	}
}

func TestASourceOverItsShareGivesUpItsOwn(t *testing.T) {
	c := newConnections(10, 2, nobody)
	stranger, idle, busy, more := &from{peer: "203.0.113.2:1"}, &from{peer: "203.0.113.1:1"}, &from{peer: "203.0.113.1:2"}, &from{peer: "203.0.113.1:3"}
	for _, conn := range []*from{stranger, idle, busy} {
		c.changed(conn, http.StateNew)
	}
	c.changed(busy, http.StateActive)
	c.changed(more, http.StateNew)
	if stranger.closed || !idle.closed || busy.closed || more.closed {
		t.Errorf("closed: stranger %t, idle %t, busy %t, new %t", stranger.closed, idle.closed, busy.closed, more.closed)
	}
}

// empty holds that nothing is remembered of connections that are gone.
func (c *crowd) empty() {
	c.t.Helper()
	if len(c.bound.open) != 0 || c.bound.waiting.Len() != 0 || len(c.bound.sources) != 0 {
		c.t.Errorf("%d open, %d waiting, %d sources", len(c.bound.open), c.bound.waiting.Len(), len(c.bound.sources))
	}
}

func TestTheServerBoundsItsConnections(t *testing.T) {
	if NewHTTPServer(newRig(t).Handler, discard()).ConnState == nil {
		t.Error("connections are not counted")
	}
}
