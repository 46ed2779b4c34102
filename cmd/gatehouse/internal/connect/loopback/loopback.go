// Package loopback receives the answer of an authorization server at a port of this machine, as native applications do
// (RFC 8252 section 7.3).
package loopback

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

const (
	path = "/callback"
	// redeemTimeout bounds what is done with a code, even when the browser does not wait for it.
	redeemTimeout = 30 * time.Second
	// goodbye is how long the last page may take to reach the browser.
	goodbye = 2 * time.Second
)

// Listener is an open port that waits for one answer.
type Listener struct{ net.Listener }

// Listen opens a free port of 127.0.0.1.
func Listen(ctx context.Context) (*Listener, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("no port of this machine is free for the answer: %w", err)
	}
	return &Listener{listener}, nil
}

// RedirectURI is where the answer has to go. The address is numeric: other programs may own the name localhost.
func (l *Listener) RedirectURI() string { return "http://" + l.Addr().String() + path }

// Redeem exchanges a code for a token. Its error is shown to the user in the browser, too.
type Redeem func(ctx context.Context, code string) error

// Receive waits for the answer that was asked for, redeems its code, and shows the user how it went. Answers to another
// question are refused and change nothing. The port is closed afterwards.
//
// The error is a *Refusal, ErrIssuer, that of redeem, or that of the context.
func (l *Listener) Receive(ctx context.Context, want Expectation, redeem Redeem) error {
	receiver := &receiver{want: want, redeem: redeem, outcome: make(chan error, 1)}
	mux := http.NewServeMux()
	mux.Handle("GET "+path, receiver)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l.Listener) }()

	err := receiver.wait(ctx, served)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	if shutdown := server.Shutdown(stop); errors.Is(shutdown, context.DeadlineExceeded) {
		_ = server.Close() // a browser that keeps its connection open has the page already
	}
	select {
	case late := <-receiver.outcome: // the answer came when the time was over, and was taken all the same
		return late
	default:
		return err
	}
}

func (r *receiver) wait(ctx context.Context, served <-chan error) error {
	select {
	case err := <-r.outcome:
		return err
	case err := <-served:
		return fmt.Errorf("the port for the answer: %w", err)
	case <-ctx.Done():
		return ctx.Err()
	}
}
