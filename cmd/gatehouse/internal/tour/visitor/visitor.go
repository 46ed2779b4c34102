// Package visitor walks through web pages as a person with a browser does: it follows redirects, keeps cookies, and
// fills in the forms that it finds. It knows pages only by what is in them.
package visitor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

const (
	maxHops = 20
	maxPage = 4 << 20
	timeout = 30 * time.Second
)

// Visitor is one person with one browser. It is not safe for concurrent use.
type Visitor struct {
	client *http.Client
	pause  func(*url.URL) bool
}

// New returns a visitor without cookies. It pauses on its way before every address for which pause is true, and does
// not load it.
func New(transport http.RoundTripper, pause func(*url.URL) bool) (*Visitor, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &Visitor{
		pause: pause,
		client: &http.Client{
			Transport:     transport,
			Jar:           jar,
			Timeout:       timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Open goes to an address, even to one at which the visitor pauses, and on to where it leads.
func (v *Visitor) Open(ctx context.Context, address *url.URL) (*Page, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, err
	}
	return v.travel(request)
}

// Submit sends a form of a page, with the values in place of those that the page filled in, and goes on to where it
// leads. A button is a value like others: the one that is pressed.
func (v *Visitor) Submit(ctx context.Context, form Form, values map[string]string) (*Page, error) {
	if form.Method != http.MethodPost {
		return nil, fmt.Errorf("the form of %s is not a POST form", form.Page)
	}
	fields := url.Values{}
	for name, value := range form.Fields {
		fields.Set(name, value)
	}
	for name, value := range values {
		fields.Set(name, value)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, form.Action.String(), strings.NewReader(fields.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Origin", form.Page.Scheme+"://"+form.Page.Host)
	return v.travel(request)
}

// travel goes from hop to hop until a page stays, or until the next one is where the visitor pauses.
func (v *Visitor) travel(request *http.Request) (*Page, error) {
	for range maxHops {
		page, err := v.load(request)
		if err != nil {
			return nil, err
		}
		next, moves := page.next()
		if !moves {
			return page, nil
		}
		if v.pause(next) {
			return &Page{URL: next, Paused: true}, nil
		}
		if request, err = http.NewRequestWithContext(request.Context(), http.MethodGet, next.String(), nil); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("the redirects do not end")
}

func (v *Visitor) load(request *http.Request) (*Page, error) {
	request.Header.Set("Accept", "text/html")
	response, err := v.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxPage))
	if err != nil {
		return nil, err
	}
	return parse(request.URL, response, body)
}
