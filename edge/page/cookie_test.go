package page

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func testJar(secure bool) cookieJar {
	return cookieJar{secure: secure, random: strings.NewReader(strings.Repeat("x", secretBytes)), now: epoch}
}

func flowEnd() time.Time { return epoch().Add(10 * time.Minute) }

// The setting for the time of a login is the core's. A cookie that is gone earlier turns the user into another browser.
func TestCookiesLiveAsLongAsTheirFlow(t *testing.T) {
	j := testJar(true)
	for life, want := range map[time.Duration]int{
		45 * time.Minute: 45 * 60, time.Minute: 60, 1500 * time.Millisecond: 1, 0: 1, -time.Hour: 1,
	} {
		w := httptest.NewRecorder()
		j.set(w, httptest.NewRequest(http.MethodGet, "/", nil), bindPurpose, "state", "secret", epoch().Add(life))
		c := answerOf(w).Cookies()[0]
		if c.MaxAge != want {
			t.Errorf("of a flow that lives %v: %s", life, c)
		}
		late := httptest.NewRequest(http.MethodGet, "/", nil)
		late.AddCookie(c)
		j.now = func() time.Time { return epoch().Add(life) }
		if secret, ok := j.secret(late, bindPurpose, "state"); !ok || secret != "secret" {
			t.Errorf("at the end of %v the cookie is not read", life)
		}
		j.now = epoch
	}
}

func TestCookiesAreBoundToThisHostAndThisBrowser(t *testing.T) {
	for _, secure := range []bool{true, false} {
		w := httptest.NewRecorder()
		testJar(secure).set(w, httptest.NewRequest(http.MethodGet, "/", nil), bindPurpose, "state", "secret", flowEnd())
		c := answerOf(w).Cookies()[0]
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 600 || c.Secure != secure {
			t.Errorf("secure %t: %s", secure, c)
		}
		if strings.HasPrefix(c.Name, "__Host-") != secure {
			t.Errorf("secure %t: name %q", secure, c.Name)
		}
		if len(c.String()) > 200 {
			t.Errorf("secure %t: %d bytes", secure, len(c.String()))
		}
		if strings.Contains(c.Name, "state") {
			t.Errorf("the name %q tells the state", c.Name)
		}
	}
}

func TestCookiesOfDifferentFlowsAndPurposesHaveDifferentNames(t *testing.T) {
	j := testJar(true)
	seen := make(map[string]string)
	for _, p := range []purpose{pagePurpose, bindPurpose} {
		for _, flow := range []string{"a", "b", "page|a", "bind|a"} {
			name := j.name(p, flow)
			if other, ok := seen[name]; ok {
				t.Errorf("%s %q and %s share a name", p, flow, other)
			}
			seen[name] = string(p) + " " + flow
		}
	}
}

func TestUselessCookiesAreRemovedBeforeLiveOnes(t *testing.T) {
	j := testJar(true)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	at := func(ago time.Duration) string {
		w := httptest.NewRecorder()
		old := j
		old.now = func() time.Time { return epoch().Add(-ago) }
		old.set(w, httptest.NewRequest(http.MethodGet, "/", nil), bindPurpose, ago.String(), "secret", flowEnd())
		c := answerOf(w).Cookies()[0]
		r.AddCookie(c)
		return c.Name
	}
	var live []string
	for i := range maxCookies {
		live = append(live, at(time.Duration(maxCookies-i)*time.Minute))
	}
	r.AddCookie(&http.Cookie{Name: j.prefix(bindPurpose) + "odd", Value: "odd"})
	r.AddCookie(&http.Cookie{Name: "other", Value: "kept"})

	removed := make(map[string]bool)
	w := httptest.NewRecorder()
	j.set(w, r, bindPurpose, "new", "secret", flowEnd())
	for _, c := range answerOf(w).Cookies() {
		if c.MaxAge < 0 {
			removed[c.Name] = true
		}
	}
	for _, name := range []string{j.prefix(bindPurpose) + "odd", live[0]} {
		if !removed[name] {
			t.Errorf("%s stays", name)
		}
		delete(removed, name)
	}
	if len(removed) != 0 {
		t.Errorf("also removed: %v", removed)
	}
}

func FuzzCookies(f *testing.F) {
	j := testJar(true)
	name := j.name(bindPurpose, "s")
	for _, seed := range []string{
		"", "bind.1795510800.secret", "page.1795510800.secret", "bind.-1.x", "bind.9223372036854775807.x", "bind..", "bind.1.",
		"bind.1795510800.a.b", `"bind.1795510800.x"`, "bind.1795510800.x; " + name + "=bind.1795510800.y", "\x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", name+"="+value)
		secret, ok := j.secret(r, bindPurpose, "s")
		if ok && (secret == "" || len(secret) > maxSecret || len(r.CookiesNamed(name)) != 1) {
			t.Errorf("%q gives secret %q", value, secret)
		}
		if !ok && secret != "" {
			t.Errorf("%q gives a secret that does not count", value)
		}
		if _, ok := j.secret(r, pagePurpose, "s"); ok {
			t.Errorf("%q counts for another purpose", value)
		}
		w := httptest.NewRecorder()
		j.set(w, r, bindPurpose, "other", "secret", flowEnd())
		for _, c := range answerOf(w).Cookies() {
			if !strings.HasPrefix(c.Name, "__Host-gatehouse-bind-") {
				t.Errorf("%q makes the server touch cookie %q", value, c.Name)
			}
		}
	})
}
