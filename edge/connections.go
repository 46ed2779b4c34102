package edge

import (
	"container/list"
	"net"
	"net/http"
	"net/netip"
	"sync"

	"github.com/gatehouse-auth/gatehouse/edge/forwarded"
	"github.com/gatehouse-auth/gatehouse/edge/ratelimit"
)

const (
	// maxConnections is how many connections are open at once. Each takes from 20 to 100 KiB, depending on what it has sent.
	maxConnections = 4096
	// maxOfSource is how many of them come from one source, as package ratelimit counts, unless it stands for many visitors.
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
	waiting list.List // of *opened, the longest first
	sources map[ratelimit.Network]*source
}

// opened is an open connection.
type opened struct {
	conn   net.Conn
	source *source       // nil when it counts for nobody's share
	place  *list.Element // in the list of all that wait; nil during a request
	own    *list.Element // in the list of its source
}

// source is who has opened connections.
type source struct {
	network ratelimit.Network
	open    int
	waiting list.List // of *opened, the longest first
}

func newConnections(most, ofSource int, isMany func(netip.Addr) bool) *connections {
	return &connections{
		most: most, ofSource: ofSource, isMany: isMany,
		open: make(map[net.Conn]*opened), sources: make(map[ratelimit.Network]*source),
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
		c.wait(known)
	case state == http.StateActive:
		c.stop(known)
	default: // closed, or somebody else's
		c.stop(known)
		c.leave(known)
	}
	return nil
}

// enter takes in a connection, and returns the one that has to go for it, if one has to.
func (c *connections) enter(conn net.Conn) net.Conn {
	entered := &opened{conn: conn, source: c.sourceOf(conn)}
	c.open[conn] = entered
	c.wait(entered)
	from := entered.source
	if from != nil {
		from.open++
	}
	switch {
	case from != nil && from.open > c.ofSource:
		return c.giveUp(&from.waiting)
	case len(c.open) > c.most:
		return c.giveUp(&c.waiting)
	}
	return nil
}

// giveUp returns the connection that has waited the longest. The new one is among them.
func (c *connections) giveUp(waiting *list.List) net.Conn {
	longest, _ := waiting.Front().Value.(*opened)
	c.stop(longest)
	return longest.conn
}

func (c *connections) wait(known *opened) {
	known.place = c.waiting.PushBack(known)
	if known.source != nil {
		known.own = known.source.waiting.PushBack(known)
	}
}

// stop takes a connection from those that wait for a request.
func (c *connections) stop(known *opened) {
	if known.place == nil {
		return
	}
	c.waiting.Remove(known.place)
	if known.source != nil {
		known.source.waiting.Remove(known.own)
	}
	known.place, known.own = nil, nil
}

func (c *connections) leave(known *opened) {
	delete(c.open, known.conn)
	if known.source == nil {
		return
	}
	if known.source.open--; known.source.open == 0 {
		delete(c.sources, known.source.network)
	}
}

// sourceOf returns whose share a connection counts for.
func (c *connections) sourceOf(conn net.Conn) *source {
	addr := forwarded.Peer(conn.RemoteAddr().String())
	if !addr.IsValid() || c.isMany(addr) {
		return nil
	}
	network := ratelimit.SourceOf(addr)
	known := c.sources[network]
	if known == nil {
		known = &source{network: network}
		c.sources[network] = known
	}
	return known
}
