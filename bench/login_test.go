package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/gatehouse-auth/gatehouse/server/devidp"
)

// formAction finds where the login form of the built-in provider goes.
var formAction = regexp.MustCompile(`action="([^"]+)"`)

// signIn is a browser that logs in at the built-in provider, and stops at the redirect back to Gatehouse.
func signIn(ctx context.Context, uri string) (url.Values, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	page, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		return nil, err
	}
	action := formAction.FindSubmatch(page)
	if action == nil {
		return nil, fmt.Errorf("no login form at the provider: %s", response.Status)
	}
	target, err := response.Request.URL.Parse(string(action[1]))
	if err != nil {
		return nil, err
	}
	return submit(ctx, target.String())
}

func submit(ctx context.Context, uri string) (url.Values, error) {
	alice := devidp.DefaultUsers()[0]
	form := url.Values{devidp.FieldUsername: {alice.Username}, devidp.FieldPassword: {alice.Password}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, uri, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultTransport.RoundTrip(request) // which follows no redirect
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	back, err := response.Location()
	if err != nil {
		return nil, fmt.Errorf("the provider did not send back: %s", response.Status)
	}
	return back.Query(), nil
}
