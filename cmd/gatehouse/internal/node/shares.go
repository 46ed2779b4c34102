package node

import (
	"net"
	"sync"

	"github.com/gatehouse-auth/gatehouse/edge/forwarded"
	"github.com/gatehouse-auth/gatehouse/edge/ratelimit"
)

// shares is a listener that closes what one source opens beyond its share. Whoever reaches the listener, without a token,
// could otherwise take all connections and keep them, so that no edge gets back in.
type shares struct {
	net.Listener
	most int

	mu   sync.Mutex
	open map[ratelimit.Network]int
}

func newShares(listener net.Listener, most int) *shares {
	return &shares{Listener: listener, most: most, open: make(map[ratelimit.Network]int)}
}

// Accept returns the next connection that is within the share of its source.
func (s *shares) Accept() (net.Conn, error) {
	for {
		conn, err := s.Listener.Accept()
		if err != nil {
			return nil, err
		}
		source := ratelimit.SourceOf(forwarded.Peer(conn.RemoteAddr().String()))
		if s.enter(source) {
			return &shared{Conn: conn, leave: sync.OnceFunc(func() { s.leave(source) })}, nil
		}
		_ = conn.Close() // nothing was said on it yet
	}
}

func (s *shares) enter(source ratelimit.Network) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[source] == s.most {
		return false
	}
	s.open[source]++
	return true
}

func (s *shares) leave(source ratelimit.Network) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[source]--; s.open[source] == 0 {
		delete(s.open, source)
	}
}

// shared is a connection that counts for the share of its source until it is closed.
type shared struct {
	net.Conn
	leave func()
}

// Close implements net.Conn. It may be called more than once.
func (c *shared) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
