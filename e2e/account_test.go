package e2e

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/browser"
	"github.com/gatehouse-auth/gatehouse/e2e/internal/oauthclient"
	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// managesAccount walks a user to the applications that they allowed, and lets them disconnect one. Another user sees none
// of them, and cannot reach them by their ids.
func managesAccount(t *testing.T, d *deployment) {
	lost, kept := d.connect(t, d.alice), d.connect(t, d.alice)
	theirs := d.connect(t, d.bob)

	alice := d.newBrowser(t, lost.redirectURI)
	account := d.signIn(t, alice, d.alice)
	if !strings.Contains(account.Text, "E2E client") {
		t.Errorf("the account page does not name the application: %s", account)
	}
	for name, test := range map[string]struct {
		session session
		listed  bool
	}{"one of the user": {lost, true}, "another of the user": {kept, true}, "one of another user": {theirs, false}} {
		if listed := d.connection(t, account, test.session) != nil; listed != test.listed {
			t.Errorf("%s is listed: %v", name, listed)
		}
	}
	account = submit(t, alice, d.connection(t, account, lost), nil)
	if account.Status != http.StatusOK || d.connection(t, account, lost) != nil || d.connection(t, account, kept) == nil {
		t.Errorf("after the disconnection: %s", account)
	}
	eventually(t, revocationDelay, "the end of the disconnected token", func() bool {
		return d.mcpStatus(t, lost.access) == http.StatusUnauthorized
	})
	d.checkInvalidGrant(t, "the refresh token of the disconnected application", refreshForm(lost))

	bob := d.newBrowser(t, theirs.redirectURI)
	other := d.signIn(t, bob, d.bob)
	if d.connection(t, other, kept) != nil {
		t.Error("another user sees the application")
	}
	submit(t, bob, d.connection(t, other, theirs), url.Values{"grant": {d.grantOf(t, kept)}})
	d.checkHolds(t, kept, 0)
	d.checkHolds(t, theirs, 0)
}

// guardsAccount: the forms of the account page work in the browser that got them, for as long as it is signed in.
func guardsAccount(t *testing.T, d *deployment) {
	s := d.connect(t, d.alice)
	b := d.newBrowser(t, s.redirectURI)
	account := d.signIn(t, b, d.alice)
	form := d.connection(t, account, s)

	stranger := d.newBrowser(t, s.redirectURI)
	if page := submit(t, stranger, form, nil); page.Status != http.StatusForbidden {
		t.Errorf("the form from a browser without a session: %s, want 403", page)
	}
	if page := submit(t, b, form, url.Values{"csrf": {"forged"}}); page.Status != http.StatusForbidden {
		t.Errorf("the form with a forged token: %s, want 403", page)
	}
	d.checkHolds(t, s, 0)

	at := slices.IndexFunc(account.Forms, func(f *browser.Form) bool { return f.Button("Sign out") != nil })
	if at < 0 {
		t.Fatalf("no way to sign out: %s", account)
	}
	session := b.CookiesFor(account.URL)
	if page := submit(t, b, account.Forms[at], nil); page.Status != http.StatusOK || signInForm(page) == nil {
		t.Errorf("after the sign-out: %s", page)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, account.URL.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range session {
		req.AddCookie(cookie)
	}
	answer, err := oauthclient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Status != http.StatusOK || strings.Contains(string(answer.Body), "E2E client") {
		t.Errorf("the cookie of the session after the sign-out: status %d, want the sign-in page", answer.Status)
	}
	d.checkHolds(t, s, 0)
}

// signIn goes to the account page of a user.
func (d *deployment) signIn(t *testing.T, b *browser.Browser, who person) *browser.Page {
	t.Helper()
	page, err := b.Open(t.Context(), d.server.URL+"/account")
	if err != nil {
		t.Fatal(err)
	}
	if page.Status != http.StatusOK || signInForm(page) == nil {
		t.Fatalf("no way to sign in: %s", page)
	}
	page = logIn(t, b, submit(t, b, signInForm(page), nil), who)
	if page.Status != http.StatusOK || page.URL.String() != d.server.URL+"/account" {
		t.Fatalf("no account page: %s", page)
	}
	return page
}

// signInForm is the form of the account page for somebody who is not signed in, or nil.
func signInForm(page *browser.Page) *browser.Form {
	at := slices.IndexFunc(page.Forms, func(f *browser.Form) bool { return f.Button("Sign in") != nil })
	if at < 0 {
		return nil
	}
	return page.Forms[at]
}

// connection is the form of the account page that disconnects a session's application, or nil.
func (d *deployment) connection(t *testing.T, page *browser.Page, s session) *browser.Form {
	t.Helper()
	grant := d.grantOf(t, s)
	at := slices.IndexFunc(page.Forms, func(f *browser.Form) bool { return f.Fields.Get("grant") == grant })
	if at < 0 {
		return nil
	}
	return page.Forms[at]
}

// grantOf is the id of a session's grant, also after its end.
func (d *deployment) grantOf(t *testing.T, s session) string {
	t.Helper()
	admin, ctx := d.admin(t)
	grants, err := admin.ListGrants(ctx, &gatehousev1.ListGrantsRequest{ClientId: s.id, IncludeEnded: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(grants.GetGrants()) != 1 {
		t.Fatalf("%d grants of the client, want 1", len(grants.GetGrants()))
	}
	return grants.GetGrants()[0].GetGrantId()
}

// submit sends a form by its first button.
func submit(t *testing.T, b *browser.Browser, form *browser.Form, fields url.Values) *browser.Page {
	t.Helper()
	if form == nil {
		t.Fatal("the page lacks the form")
	}
	page, err := b.Submit(t.Context(), form, nil, fields)
	if err != nil {
		t.Fatal(err)
	}
	return page
}
