package edge

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// serveInMemory serves a handler with the limits of the edge, over a pipe whose deadlines follow the fake clock of a
// synctest bubble, and returns the other end.
func serveInMemory(t *testing.T, handler http.Handler) net.Conn {
	t.Helper()
	client, remote := net.Pipe()
	listener := make(pipe, 1)
	listener <- remote
	server := newServer(handler, discard(), nobody)
	done := make(chan error)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = client.Close()
		_ = server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	return client
}

// pipe is a listener that accepts what is sent to it.
type pipe chan net.Conn

func (p pipe) Accept() (net.Conn, error) {
	if conn, ok := <-p; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (p pipe) Close() error   { close(p); return nil }
func (p pipe) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

const post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"

// slow answers after ten minutes, unless its context ends before.
func slow(w http.ResponseWriter, r *http.Request) {
	_, _ = io.ReadAll(r.Body)
	// As the MCP endpoint does once it has the body: the server goes on reading to notice that the client is gone.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	select {
	case <-time.After(10 * time.Minute):
	case <-r.Context().Done():
		return
	}
	_, _ = io.WriteString(w, "done")
}

func TestToolMayWorkForMinutes(t *testing.T) {
	for name, tc := range map[string]struct {
		handler http.Handler
		done    bool
	}{
		"unhurried": {unhurried(http.HandlerFunc(slow), time.Now), true},
		"others":    {http.HandlerFunc(slow), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := serveInMemory(t, tc.handler)
				if _, err := io.WriteString(conn, post); err != nil {
					t.Fatal(err)
				}
				answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if (err == nil) != tc.done {
					t.Fatalf("answer = %v, %v", answer, err)
				}
				if err == nil {
					answer.Body.Close()
				}
			})
		})
	}
}

func TestClientThatDoesNotReadIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		handler := unhurried(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := io.WriteString(w, strings.Repeat("a", 4096)); err != nil {
					ended <- err
					return
				}
				w.(http.Flusher).Flush()
			}
		}), time.Now)
		conn := serveInMemory(t, handler)
		start := time.Now()
		if _, err := io.WriteString(conn, post); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err == nil {
			t.Error("writing went on")
		}
		if took := time.Since(start); took > stallTimeout+time.Second {
			t.Errorf("given up after %s", took)
		}
	})
}

// A stream that was quiet for long still ends as streams do, and what was kept back until then arrives.
func TestStreamThatWasQuietEndsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := serveInMemory(t, unhurried(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
			for range 2 {
				_, _ = io.WriteString(w, "event")
				time.Sleep(10 * stallTimeout)
				w.(http.Flusher).Flush()
			}
			time.Sleep(10 * stallTimeout)
		}), time.Now))
		if _, err := io.WriteString(conn, post); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if read, err := io.ReadAll(answer.Body); err != nil || string(read) != "eventevent" {
			t.Errorf("read %q, %v", read, err)
		}
	})
}

func TestSlowRequestsAreCut(t *testing.T) {
	for name, tc := range map[string]struct {
		sent  string
		limit time.Duration
	}{
		"header": {"GET / HTTP/1.1\r\nHost: a\r\n", headerTimeout},
		"body":   {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{", readTimeout},
		"idle":   {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", idleTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := serveInMemory(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.ReadAll(r.Body) }))
				start := time.Now()
				if _, err := io.WriteString(conn, tc.sent); err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, conn)
				if took := time.Since(start); took > tc.limit+time.Second {
					t.Errorf("cut after %s, want %s", took, tc.limit)
				}
			})
		})
	}
}

func TestShutdownEndsStreamsOfTheEdge(t *testing.T) {
	g := newRig(t)
	server := NewHTTPServer(g.Handler, discard())
	if err := server.Shutdown(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
}
