package node

import (
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/net/netutil"
)

// dialFrom connects from an address of this machine and reports whether the connection is kept.
func dialFrom(t *testing.T, from, to string) (conn net.Conn, kept bool) {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: time.Second}
	conn, err := dialer.DialContext(t.Context(), "tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(3 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err = io.ReadFull(conn, make([]byte, 1)); err != nil {
		_ = conn.Close()
	}
	return conn, err == nil
}

// TestOneSourceLeavesRoomForOthers has one source ask for more than all connections.
func TestOneSourceLeavesRoomForOthers(t *testing.T) {
	inner, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := netutil.LimitListener(newShares(inner, 2), 3)
	t.Cleanup(func() { _ = listener.Close() })
	closed := make(chan struct{})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = conn.Write([]byte{1})
				_, _ = io.Copy(io.Discard, conn)
				_, _ = conn.Close(), conn.Close()
				closed <- struct{}{}
			}()
		}
	}()
	to := inner.Addr().String()
	first, kept := dialFrom(t, "127.0.0.1", to)
	if _, also := dialFrom(t, "127.0.0.1", to); !kept || !also {
		t.Fatal("a share is refused")
	}
	for range 3 {
		if _, kept := dialFrom(t, "127.0.0.1", to); kept {
			t.Error("one source has more than its share")
		}
	}
	other, kept := dialFrom(t, "127.0.0.2", to)
	if !kept {
		t.Error("another source is kept out")
	}
	_, _ = first.Close(), other.Close()
	<-closed
	<-closed
	if _, kept := dialFrom(t, "127.0.0.1", to); !kept {
		t.Error("what was closed still counts")
	}
}
