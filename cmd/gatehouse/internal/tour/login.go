package tour

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

const clientName = "gatehouse tour"

// register makes a public client (RFC 7591 section 3), as command-line clients do.
func (w *walk) register(ctx context.Context) (string, error) {
	metadata, err := json.Marshal(map[string]any{
		"client_name":                clientName,
		"application_type":           "native",
		"redirect_uris":              []string{redirectURI},
		"grant_types":                []string{"authorization_code", "refresh_token"},
		"response_types":             []string{"code"},
		"token_endpoint_auth_method": "none",
	})
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.server.Registration, bytes.NewReader(metadata))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	var registered struct {
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
	}
	if err := w.readJSON(request, http.StatusCreated, &registered); err != nil {
		return "", err
	}
	if registered.ClientID == "" || registered.ClientSecret != "" {
		return "", unlike("a client id of its own and no secret, which a public client cannot keep", "something else")
	}
	w.oauth = oauth2.Config{
		ClientID:    registered.ClientID,
		RedirectURL: redirectURI,
		Endpoint:    oauth2.Endpoint{AuthURL: w.server.Authorize, TokenURL: w.server.Token, AuthStyle: oauth2.AuthStyleInParams},
	}
	return "client_id " + registered.ClientID, nil
}

// authorize opens the authorization request in the browser. The server asks the user before anybody else hears of it.
func (w *walk) authorize(ctx context.Context) (string, error) {
	w.state, w.verifier = rand.Text(), oauth2.GenerateVerifier()
	address, err := url.Parse(w.oauth.AuthCodeURL(w.state,
		oauth2.S256ChallengeOption(w.verifier), oauth2.SetAuthURLParam("resource", w.target.Resource)))
	if err != nil {
		return "", err
	}
	if w.page, err = w.visitor.Open(ctx, address); err != nil {
		return "", err
	}
	const expected = "the consent page of the server"
	form, ok := w.page.Form("action")
	if !ok || !slices.Contains(form.Buttons["action"], "allow") || originOf(w.page.URL) != w.target.BaseURL {
		return "", unlike(expected, w.describePage())
	}
	host := "127.0.0.1"
	if !strings.Contains(w.page.Text, clientName) || !strings.Contains(w.page.Text, host) {
		return "", unlike(expected+", with the client's name and where access goes", w.describePage())
	}
	return fmt.Sprintf("the consent page names %q and %s", clientName, host), nil
}

// allow presses the button. Only then does the browser go to the provider.
func (w *walk) allow(ctx context.Context) (string, error) {
	form, _ := w.page.Form("action")
	var err error
	if w.page, err = w.visitor.Submit(ctx, form, map[string]string{"action": "allow"}); err != nil {
		return "", err
	}
	if _, ok := w.page.Form("password"); !ok || originOf(w.page.URL) == w.target.BaseURL {
		return "", unlike("the login page of the provider", w.describePage())
	}
	return "the provider at " + originOf(w.page.URL) + " asks who it is", nil
}

// logIn fills in the provider's form, and pauses before the provider's answer reaches the server.
func (w *walk) logIn(ctx context.Context) (string, error) {
	form, _ := w.page.Form("password")
	var err error
	w.page, err = w.visitor.Submit(ctx, form, map[string]string{
		"username": w.target.User.Username,
		"password": w.target.User.Password,
	})
	if err != nil {
		return "", err
	}
	query := w.page.URL.Query()
	if !w.page.Paused || w.page.URL.Path != callbackPath || query.Get("code") == "" || query.Get("state") == "" {
		return "", unlike("the way back to "+w.target.BaseURL+callbackPath+" with code and state", w.describePage())
	}
	if query.Get("state") == w.state {
		return "", unlike("a state of the server's own, apart from the client's", "the client's")
	}
	return w.target.User.Username + " is known, the answer goes to " + callbackPath, nil
}

// comeBack brings the provider's answer to the server, which sends the browser on to the client with its own code, the
// client's state, and its name (RFC 9207).
func (w *walk) comeBack(ctx context.Context) (string, error) {
	fromProvider := w.page.URL.Query()
	var err error
	if w.page, err = w.visitor.Open(ctx, w.page.URL); err != nil {
		return "", err
	}
	query := w.page.URL.Query()
	switch {
	case !w.page.Paused || !strings.HasPrefix(w.page.URL.String(), redirectURI+"?"):
		return "", unlike("the way back to the client at "+redirectURI, w.describePage())
	case query.Get("error") != "":
		return "", unlike("a code", query.Get("error")+": "+query.Get("error_description"))
	case query.Get("code") == "" || query.Get("code") == fromProvider.Get("code"):
		return "", unlike("a code of the server's own", "none, or the provider's")
	case query.Get("state") != w.state:
		return "", unlike("the state that the client sent", "another one")
	case query.Get("iss") != w.issuer:
		return "", unlike("iss="+w.issuer, "iss="+query.Get("iss"))
	}
	w.code = query.Get("code")
	return "code, state and iss for " + redirectURI, nil
}

// describePage tells where the browser is, without what may be secret.
func (w *walk) describePage() string {
	if w.page.Paused {
		place, query := originOf(w.page.URL)+w.page.URL.Path, w.page.URL.Query()
		return strings.TrimSpace(place + " " + query.Get("error") + " " + query.Get("error_description"))
	}
	return fmt.Sprintf("%s: %.300s", w.page, w.page.Text)
}

func originOf(u *url.URL) string { return u.Scheme + "://" + u.Host }
