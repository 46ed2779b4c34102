package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func stay(*url.URL) bool { return false }

func TestOpenFollowsRedirectsAndRefreshesUntilItLeaves(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/start", http.RedirectHandler("/page?x=1", http.StatusFound))
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<meta http-equiv="Refresh" content="0; url='/leave?code=a&amp;state=b'">`)
	})
	server := httptest.NewServer(mux)
	defer server.Close()

	b := New(func(u *url.URL) bool { return u.Path == "/leave" })
	page, err := b.Open(t.Context(), server.URL+"/start")
	if err != nil {
		t.Fatal(err)
	}
	if !page.Left || page.URL.RawQuery != "code=a&state=b" {
		t.Errorf("ended at %s, left %v", page.URL, page.Left)
	}
	if got := len(b.History()); got != 2 {
		t.Errorf("%d visits, want 2: the application's address is not loaded", got)
	}
}

func TestRedirectAfterPost(t *testing.T) {
	for status, want := range map[int]string{302: "GET ", 303: "GET ", 307: "POST a=1", 308: "POST a=1"} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			mux := http.NewServeMux()
			mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				fmt.Fprint(w, `<form method=post action=/move><input name=a value=1></form>`)
			})
			mux.Handle("/move", http.RedirectHandler("/end", status))
			mux.HandleFunc("/end", func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintf(w, "%s %s", r.Method, formOf(r))
			})
			server := httptest.NewServer(mux)
			defer server.Close()

			b := New(stay)
			page, err := b.Open(t.Context(), server.URL)
			if err != nil {
				t.Fatal(err)
			}
			page, err = b.Submit(t.Context(), page.Form("a"), nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			if page.Text != want {
				t.Errorf("the target saw %q, want %q", page.Text, want)
			}
		})
	}
}

func TestSubmitSendsWhatABrowserWouldSend(t *testing.T) {
	const markup = `<title> Log in </title><script>var no = "text"</script><p>Who  are
you?</p><form method="POST" action="?next=1&amp;y=2">
<input type=hidden name=csrf value="a&amp;b"><input name=user value=nobody><input name=off disabled value=1>
<input type=radio name=role value=x><input type=radio name=role value=y checked><input type=checkbox name=keep value=1>
<select name=lang><option value=de>Deutsch<option value=en selected>English</select><textarea name=note>hi</textarea>
<button name=decision value=allow>Allow</button><button name=decision value=deny>Deny access</button></form>`
	tests := []struct {
		policy, wantOrigin string
	}{
		{"no-referrer", "null"},
		{"same-origin", "http://HOST"},
		{"", "http://HOST"},
	}
	for _, test := range tests {
		t.Run("referrer policy "+test.policy, func(t *testing.T) {
			var got *http.Request
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					_ = r.ParseForm()
					got = r
				}
				http.SetCookie(w, &http.Cookie{Name: "__Host-session", Value: "0123456789", Path: "/", Secure: true})
				w.Header().Set("Referrer-Policy", test.policy)
				w.Header().Set("Content-Type", "text/html")
				fmt.Fprint(w, markup)
			}))
			defer server.Close()

			b := New(stay)
			page, err := b.Open(t.Context(), server.URL+"/login?old=1")
			if err != nil {
				t.Fatal(err)
			}
			if page.Title != "Log in" || !strings.HasPrefix(page.Text, "Who are you? ") {
				t.Errorf("title %q, text %q", page.Title, page.Text)
			}
			form := page.Form("decision")
			if _, err = b.Submit(t.Context(), form, form.Button("deny"), url.Values{"user": {"alice"}}); err != nil {
				t.Fatal(err)
			}
			const want = "csrf=a%26b&decision=deny&lang=en&note=hi&role=y&user=alice"
			if encoded := got.PostForm.Encode(); encoded != want {
				t.Errorf("sent %q, want %q", encoded, want)
			}
			if got.URL.RequestURI() != "/login?next=1&y=2" {
				t.Errorf("sent to %s", got.URL.RequestURI())
			}
			host := strings.TrimPrefix(server.URL, "http://")
			if want := strings.ReplaceAll(test.wantOrigin, "HOST", host); got.Header.Get("Origin") != want {
				t.Errorf("Origin %q, want %q", got.Header.Get("Origin"), want)
			}
			if got.Header.Get("Sec-Fetch-Site") != "same-origin" {
				t.Errorf("Sec-Fetch-Site %q", got.Header.Get("Sec-Fetch-Site"))
			}
			if cookie, err := got.Cookie("__Host-session"); err != nil || cookie.Value != "0123456789" {
				t.Error("the Secure cookie of a loopback host was not sent back")
			}
		})
	}
}

func formOf(r *http.Request) string {
	_ = r.ParseForm()
	return r.PostForm.Encode()
}
