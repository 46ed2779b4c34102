// Package browser is a user agent for tests: plain HTTP with a cookie jar that follows redirects and submits the forms
// that it finds in pages. It behaves as a real browser where a server can tell: cookies of loopback hosts may be
// Secure, a POST carries Origin and Sec-Fetch headers, and a page's referrer policy decides what Origin says.
package browser

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	maxHops = 20
	maxBody = 4 << 20
)

// Browser is one profile: its cookies and its history. It is used by one goroutine at a time.
type Browser struct {
	client  *http.Client
	jar     *jar
	leave   func(*url.URL) bool
	history []Visit
}

// Visit is one exchange of the history.
type Visit struct {
	Method string
	URL    *url.URL
	Status int
	Header http.Header
}

// New returns a profile without cookies. Navigation ends before a URL for which leave is true: that is where the user
// would go back to the application.
func New(leave func(*url.URL) bool) *Browser {
	jar := newJar()
	return &Browser{
		jar:   jar,
		leave: leave,
		client: &http.Client{
			Jar:           jar,
			Timeout:       30 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// History returns every exchange so far.
func (b *Browser) History() []Visit { return b.history }

// Cookies returns the value of every cookie that a server set, in order, overwritten ones included.
func (b *Browser) Cookies() []string { return b.jar.values }

// CookiesFor returns the cookies that the browser would send to a URL now.
func (b *Browser) CookiesFor(u *url.URL) []*http.Cookie { return b.jar.Cookies(u) }

// Open loads a page as if its address was typed, and follows where it leads.
func (b *Browser) Open(ctx context.Context, address string) (*Page, error) {
	target, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("browser: %w", err)
	}
	return b.navigate(ctx, request{method: http.MethodGet, target: target})
}

// Submit sends a form of a page by the given button, with fields changed or added, and follows where that leads. A
// nil button stands for pressing the return key: the first button is sent, if there is one.
func (b *Browser) Submit(ctx context.Context, form *Form, button *Button, fields url.Values) (*Page, error) {
	values := form.values(button, fields)
	req := request{method: form.Method, target: new(*form.Action), from: form.page}
	if form.Method == http.MethodGet {
		req.target.RawQuery = values.Encode()
	} else {
		req.body = values.Encode()
	}
	return b.navigate(ctx, req)
}

// request is one step of a navigation.
type request struct {
	method string
	target *url.URL
	body   string
	from   *Page // nil when the user typed the address
}

// navigate goes from hop to hop until a page neither redirects nor refreshes, or until it leaves for the application.
func (b *Browser) navigate(ctx context.Context, req request) (*Page, error) {
	for range maxHops {
		if b.leave(req.target) {
			return &Page{URL: req.target, Left: true}, nil
		}
		page, err := b.load(ctx, req)
		if err != nil {
			return nil, err
		}
		next := page.next(req)
		if next == nil {
			return page, nil
		}
		req = *next
	}
	return nil, fmt.Errorf("browser: more than %d redirects, the last to %s", maxHops, req.target.Path)
}

func (b *Browser) load(ctx context.Context, req request) (*Page, error) {
	r, err := http.NewRequestWithContext(ctx, req.method, req.target.String(), strings.NewReader(req.body))
	if err != nil {
		return nil, fmt.Errorf("browser: %w", err)
	}
	setHeaders(r, req)
	res, err := b.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("browser: %w", err)
	}
	defer res.Body.Close()
	b.history = append(b.history, Visit{Method: req.method, URL: req.target, Status: res.StatusCode, Header: res.Header})
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("browser: %w", err)
	}
	return newPage(req.target, res, body)
}

func setHeaders(r *http.Request, req request) {
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) gatehouse-e2e")
	r.Header.Set("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	r.Header.Set("Sec-Fetch-User", "?1")
	r.Header.Set("Sec-Fetch-Site", site(req))
	if req.method != http.MethodPost {
		return
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "null")
	if req.from != nil && req.from.Header.Get("Referrer-Policy") != "no-referrer" {
		r.Header.Set("Origin", origin(req.from.URL))
	}
}

// site is the value of Sec-Fetch-Site. Ports make another origin and the same site.
func site(req request) string {
	switch {
	case req.from == nil:
		return "none"
	case origin(req.from.URL) == origin(req.target):
		return "same-origin"
	case req.from.URL.Scheme == req.target.Scheme && req.from.URL.Hostname() == req.target.Hostname():
		return "same-site"
	default:
		return "cross-site"
	}
}

func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }
