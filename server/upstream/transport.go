package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

const (
	// requestTimeout bounds one request, body included. Hosted clients give a whole token call 10 s or little more.
	requestTimeout = 10 * time.Second
	// maxBody bounds an answer in bytes.
	maxBody = 64 << 10
	// maxKeysBody bounds a key set in bytes; certificate chains make them long.
	maxKeysBody = 256 << 10
)

var errTooLarge = errors.New("the answer is too large")

// hardened returns a client for talking to the provider: bounded in time and size, and without redirects, which could
// carry a credential elsewhere. Of base it keeps the transport, and a timeout that is shorter.
func hardened(base *http.Client, limit int64) *http.Client {
	timeout := base.Timeout
	if timeout <= 0 || timeout > requestTimeout {
		timeout = requestTimeout
	}
	return &http.Client{
		Transport:     guard{next: base.Transport, limit: limit},
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// newTransport returns the default transport. It speaks HTTP/1.1, because the HTTP/2 one sends a request again after
// GOAWAY, and does not inflate bodies that nobody asked to be compressed.
func newTransport() *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		Protocols:             protocols,
		DisableCompression:    true,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: requestTimeout,
		MaxIdleConnsPerHost:   4,
		IdleConnTimeout:       15 * time.Second,
	}
}

// guard makes a body single-use and reads answers whole. A transport that lost a connection may send a request again
// when it can rewind the body; a code or a rotating refresh token that arrives twice looks like theft.
type guard struct {
	next  http.RoundTripper
	limit int64
}

// RoundTrip implements http.RoundTripper. Every failure while the body is read is a failure of the request.
func (g guard) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.GetBody = nil
	if request.Header.Get("Accept") == "" {
		request.Header.Set("Accept", "application/json")
	}
	response, err := g.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, g.limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > g.limit {
		return nil, errTooLarge
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// answer is what an endpoint said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// send makes a request, once, and reads the answer.
func send(client *http.Client, what string, request *http.Request) (answer, error) {
	response, err := client.Do(request)
	if err != nil {
		return answer{}, transportError(what, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, transportError(what, err)
	}
	return answer{status: response.StatusCode, header: response.Header, body: body}, nil
}

// get asks for a document. A bearer token is optional.
func get(ctx context.Context, client *http.Client, what, url string, bearer secret.Text) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return answer{}, newError(KindMisconfigured, "%s: %w", what, err)
	}
	if !bearer.IsEmpty() {
		request.Header.Set("Authorization", "Bearer "+bearer.Reveal())
	}
	return send(client, what, request)
}

// fetch gets a document that has to be there.
func fetch(ctx context.Context, client *http.Client, what, url string, bearer secret.Text, now time.Time) ([]byte, error) {
	got, err := get(ctx, client, what, url, bearer)
	if err != nil {
		return nil, err
	}
	if got.status != http.StatusOK {
		return nil, statusError(what, got.status, got.header, now)
	}
	return got.body, nil
}

// transportError maps a request that got no complete answer.
func transportError(what string, err error) *Error {
	if errors.Is(err, errTooLarge) {
		return newError(KindGarbage, "%s: %w", what, err)
	}
	return newError(KindUnavailable, "%s: %w", what, err)
}
