package node

import (
	"net"
	"net/netip"
	"testing"
)

// visitors is a listener at which connections from these addresses arrive one after the other.
type visitors struct {
	net.Listener
	from []string
	seen []*visitor
}

func (v *visitors) Accept() (net.Conn, error) {
	if len(v.from) == 0 {
		return nil, net.ErrClosed
	}
	next := &visitor{from: v.from[0]}
	v.from, v.seen = v.from[1:], append(v.seen, next)
	return next, nil
}

type visitor struct {
	net.Conn
	from   string
	closed int
}

func (v *visitor) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(v.from))
}

func (v *visitor) Close() error {
	v.closed++
	return nil
}

// TestOneSourceLeavesRoomForOthers: what one opens beyond its share is closed at once, and what it has closed counts no more.
func TestOneSourceLeavesRoomForOthers(t *testing.T) {
	const one, other = "192.0.2.1:1", "192.0.2.2:1"
	inner := &visitors{from: []string{one, one, one, one, other}}
	listener := newShares(inner, 2)
	accept := func() net.Conn {
		t.Helper()
		conn, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	first, second := accept(), accept()
	if from := accept().RemoteAddr().String(); from != other {
		t.Errorf("the third connection is of %s", from)
	}
	for i, closed := range []int{0, 0, 1, 1, 0} {
		if inner.seen[i].closed != closed {
			t.Errorf("connection %d of %s was closed %d times, want %d", i, inner.seen[i].from, inner.seen[i].closed, closed)
		}
	}
	_, _ = first.Close(), first.Close() // which counts once
	inner.from = []string{one, one}
	if from := accept().RemoteAddr().String(); from != one {
		t.Errorf("after a connection was closed: one of %s", from)
	}
	if _, err := listener.Accept(); err == nil {
		t.Error("one close made room for two")
	}
	_ = second.Close()
	inner.from = []string{one}
	accept()
}
