package loopback

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestReceiveEndsWithTheAnswer(t *testing.T) {
	listener := listen(t)
	visits := make(chan int)
	go func() {
		defer close(visits)
		client := &http.Client{Timeout: 10 * time.Second}
		for _, address := range []string{
			listener.RedirectURI() + "?code=c&state=other",
			"http://" + listener.Addr().String() + "/favicon.ico",
			listener.RedirectURI() + "?code=c&state=the-state",
		} {
			response, err := client.Get(address)
			if err != nil {
				t.Error(err)
				return
			}
			response.Body.Close()
			visits <- response.StatusCode
		}
	}()

	outcome := make(chan error, 1)
	go func() {
		outcome <- listener.Receive(t.Context(), Expectation{State: state}, func(_ context.Context, code string) error {
			if code != "c" {
				t.Errorf("code %q", code)
			}
			return nil
		})
	}()
	for _, want := range []int{http.StatusBadRequest, http.StatusNotFound, http.StatusOK} {
		if got := <-visits; got != want {
			t.Errorf("answered %d, want %d", got, want)
		}
	}
	<-visits
	if err := <-outcome; err != nil {
		t.Error(err)
	}
	if conn, err := net.Dial("tcp", listener.Addr().String()); err == nil {
		conn.Close()
		t.Error("the port is still open")
	}
}

func TestReceiveEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := listen(t).Receive(ctx, Expectation{State: state}, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func listen(t *testing.T) *Listener {
	t.Helper()
	listener, err := Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return listener
}
