package visitor

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const loginPage = `<!doctype html><title>Log in</title><style>h1 { color: red }</style><h1>Who are <em>you</em>?</h1>
<form method=post action=/quick><input type=hidden name=user value=alice><button>Alice</button></form>
<form method="post" action="?step=2&amp;a=b"><input type=hidden name=csrf value="x&amp;y"><input name=user>
<button name=action value=deny>No</button><button name=action value=allow>Yes</button></form>`

func TestParse(t *testing.T) {
	address, _ := url.Parse("http://h/login?step=1")
	page, err := parse(address, &http.Response{StatusCode: http.StatusOK}, []byte(loginPage))
	if err != nil {
		t.Fatal(err)
	}
	if page.Title != "Log in" || page.Text != "Who are you ? Alice No Yes" {
		t.Errorf("title %q, text %q", page.Title, page.Text)
	}
	form, ok := page.Form("user")
	if !ok {
		t.Fatal("no form")
	}
	if form.Action.String() != "http://h/login?step=2&a=b" || form.Method != http.MethodPost {
		t.Errorf("%s %s", form.Method, form.Action)
	}
	if diff := cmp.Diff(map[string]string{"csrf": "x&y", "user": ""}, form.Fields); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]string{"action": {"deny", "allow"}}, form.Buttons); diff != "" {
		t.Error(diff)
	}
	if _, ok := page.Form("password"); ok {
		t.Error("a form that is not there")
	}
	if got := page.String(); strings.Contains(got, "step") {
		t.Errorf("%s shows the query", got)
	}
}

func TestRefreshTarget(t *testing.T) {
	for content, want := range map[string]string{
		"0; url=https://h/x?a=b;c=d": "https://h/x?a=b;c=d",
		"5;URL='/y'":                 "/y",
		"3":                          "",
		"0; other":                   "",
		"":                           "",
	} {
		if got := refreshTarget(content); got != want {
			t.Errorf("%q leads to %q, want %q", content, got, want)
		}
	}
}

func TestVisit(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "flow", Value: "1"})
		fmt.Fprint(w, loginPage)
	})
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		if cookie, err := r.Cookie("flow"); err != nil || cookie.Value != "1" {
			t.Error("the cookie was not sent")
		}
		if got := r.Header.Get("Origin"); got != "http://"+r.Host {
			t.Errorf("Origin %q", got)
		}
		_ = r.ParseForm()
		if got := r.PostForm.Encode(); got != "action=allow&csrf=x%26y&user=bob" {
			t.Errorf("sent %q", got)
		}
		fmt.Fprint(w, `<meta http-equiv=refresh content="0; url=/moved">`)
	})
	mux.Handle("/moved", http.RedirectHandler("/back?code=c", http.StatusSeeOther))
	mux.HandleFunc("/back", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	server := httptest.NewServer(mux)
	defer server.Close()
	start, _ := url.Parse(server.URL)

	v, err := New(server.Client().Transport, func(u *url.URL) bool { return u.Path == "/back" })
	if err != nil {
		t.Fatal(err)
	}
	page, err := v.Open(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}
	form, _ := page.Form("action")
	page, err = v.Submit(t.Context(), form, map[string]string{"user": "bob", "action": "allow"})
	if err != nil {
		t.Fatal(err)
	}
	if !page.Paused || page.URL.RequestURI() != "/back?code=c" {
		t.Fatalf("stands at %s, paused %v", page.URL, page.Paused)
	}
	if _, err := v.Open(t.Context(), page.URL); err == nil || !strings.Contains(err.Error(), "redirects") {
		t.Errorf("a loop ended with %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(loginPage)
	f.Add(`<meta http-equiv=refresh content="0; url=//">`)
	f.Add(`<form action="%zz"><button name>`)
	address, _ := url.Parse("http://h/")
	f.Fuzz(func(t *testing.T, body string) {
		page, err := parse(address, &http.Response{StatusCode: http.StatusOK}, []byte(body))
		if err != nil {
			return
		}
		for _, form := range page.Forms {
			if form.Action == nil {
				t.Error("a form without an action")
			}
		}
		page.next()
	})
}
