package edge

import (
	"container/list"
	"net"
	"net/http"
	"net/netip"
	"sync"
)

const (
	// maxConnections is how many connections are open at once. Each takes from 20 to 100 KiB, depending on what it has sent.
	maxConnections = 4096
	// maxOfSource is how many of them come from one address (IPv6: one /64), unless that stands for many visitors.
	maxOfSource = maxConnections / 4
)

// connections bounds the open connections of a server, and those of each source. One more takes the place of the one that
// has waited the longest without a request, from the same source when that has its share. Where all are in the middle of
// one, which deadlines bound, the new one is closed.
type connections struct {
	most, ofSource int
	// isMany tells whether an address stands for many visitors, as that of a proxy does. Nobody's share is counted then.
	isMany func(netip.Addr) bool

	mu      sync.Mutex
	open    map[net.Conn]*opened
	waiting *list.List // of net.Conn, the longest first
	sources map[netip.Prefix]int
}

// opened is what is known of an open connection.
type opened struct {
	source netip.Prefix  // the zero value is none
	place  *list.Element // in waiting; nil during a request
}

func newConnections(most, ofSource int, isMany func(netip.Addr) bool) *connections {
	return &connections{
		most: most, ofSource: ofSource, isMany: isMany,
		open: make(map[net.Conn]*opened), waiting: list.New(), sources: make(map[netip.Prefix]int),
	}
}

// changed is told of every connection and what has become of it.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	if surplus := c.note(conn, state); surplus != nil {
		_ = surplus.Close() // its own goroutine notices, and says that it is closed
	}
}

// note returns the connection that has to go, if one has to.
func (c *connections) note(conn net.Conn, state http.ConnState) net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state == http.StateNew {
		return c.enter(conn)
	}
	known := c.open[conn]
	switch {
	case known == nil:
	case state == http.StateIdle:
		known.place = c.waiting.PushBack(conn)
	case state == http.StateActive:
		c.stop(known)
	default: // closed, or somebody else's
		c.stop(known)
		c.leave(conn, known.source)
	}
	return nil
}

// enter takes in a connection, and returns the one that has to go for it, if one has to.
func (c *connections) enter(conn net.Conn) net.Conn {
	entered := &opened{source: c.sourceOf(conn), place: c.waiting.PushBack(conn)}
	c.open[conn] = entered
	if entered.source.IsValid() {
		if c.sources[entered.source]++; c.sources[entered.source] > c.ofSource {
			return c.giveUp(func(other *opened) bool { return other.source == entered.source })
		}
	}
	if len(c.open) > c.most {
		return c.giveUp(func(*opened) bool { return true })
	}
	return nil
}

// giveUp returns the connection that has waited the longest of those that may go.
func (c *connections) giveUp(may func(*opened) bool) net.Conn {
	for place := c.waiting.Front(); place != nil; place = place.Next() {
		conn, _ := place.Value.(net.Conn)
		if known := c.open[conn]; may(known) {
			return c.stop(known)
		}
	}
	return nil
}

// stop takes a connection from those that wait for a request.
func (c *connections) stop(known *opened) net.Conn {
	if known.place == nil {
		return nil
	}
	conn, _ := c.waiting.Remove(known.place).(net.Conn)
	known.place = nil
	return conn
}

func (c *connections) leave(conn net.Conn, source netip.Prefix) {
	delete(c.open, conn)
	if !source.IsValid() {
		return
	}
	if c.sources[source]--; c.sources[source] == 0 {
		delete(c.sources, source)
	}
}

// sourceOf returns whose share a connection counts for.
func (c *connections) sourceOf(conn net.Conn) netip.Prefix {
	peer, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	addr := peer.Addr().Unmap().WithZone("")
	if err != nil || c.isMany(addr) {
		return netip.Prefix{}
	}
	source, _ := addr.Prefix(map[bool]int{true: 32, false: 64}[addr.Is4()]) // both lengths are good for their kind
	return source
}
