package upstream_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

// cb-identity-key: a subject that could collapse two people into one is no subject.
func TestOddSubjectIsRefused(t *testing.T) {
	for name, subject := range map[string]any{
		"missing":            nil,
		"empty":              "",
		"zero":               0,
		"a number":           12345,
		"a list":             []string{"alice"},
		"an object":          map[string]string{"id": "alice"},
		"false":              false,
		"256 bytes":          strings.Repeat("s", 256),
		"blank":              " ",
		"leading blank":      " alice",
		"trailing blank":     "alice ",
		"line break":         "alice\nbob",
		"NUL":                "alice\x00",
		"not ASCII":          "älice",
		"zero width":         "alice\u200b",
		"replaced character": "alice\ufffd",
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.EditIDToken(claim("sub", subject))
			_, err := r.exchange(t)
			wantKind(t, err, upstream.KindInvalidToken)
		})
	}
}

func TestIdentityIsTheSubjectAndNothingElse(t *testing.T) {
	r := newRig(t)
	alice := r.LogIn(t, r.provider, "alice").Identity
	r.AddUser(upstreamtest.User{Login: "alice2", Subject: "another", Email: alice.Email, Name: alice.Name})
	if got := r.LogIn(t, r.provider, "alice2").Identity; got.Subject == alice.Subject {
		t.Error("the same address made another person the same")
	}
	r.AddUser(upstreamtest.User{Login: "alice3", Subject: alice.Subject, Email: "new@example.com", Name: "New Name"})
	if got := r.LogIn(t, r.provider, "alice3").Identity; got.Subject != alice.Subject || got.Email != "new@example.com" {
		t.Errorf("a new address made somebody else of alice: %+v", got)
	}
}

func TestUncleanClaimsAreLeftOutWhole(t *testing.T) {
	r := newRig(t)
	r.Configure(func(s *upstreamtest.Settings) { s.Opaque = true })
	r.EditIDToken(func(d draft) {
		d.Claims["name"] = "Alice\r\nX-Admin: true"
		d.Claims["given_name"] = "\u202eecilA"
		d.Claims["family_name"] = strings.Repeat("x", 321)
		d.Claims["preferred_username"] = []string{"alice"}
		d.Claims["email"] = "alice@example.com\x00.evil.example"
		d.Claims["groups"] = []string{"ok", "adm\u200bins", "a\nb", "", strings.Repeat("g", 400)}
	})
	r.EditUserinfo(func(d map[string]any) {
		for name := range d {
			if name != "sub" {
				delete(d, name)
			}
		}
	})
	got := r.LogIn(t, r.provider, "alice").Identity
	if got.Name+got.GivenName+got.FamilyName+got.PreferredUsername+got.Email != "" || got.EmailVerified {
		t.Errorf("identity %+v", got)
	}
	if !slices.Equal(got.Groups, []string{"ok"}) {
		t.Errorf("groups %q", got.Groups)
	}
}

func TestGroupsAreBounded(t *testing.T) {
	r := newRig(t)
	r.EditIDToken(claim("groups", slices.Repeat([]string{"g"}, 1001)))
	if n := len(r.LogIn(t, r.provider, "alice").Identity.Groups); n != 1000 {
		t.Errorf("%d groups", n)
	}
}

func TestUserinfoFillsInWhatTheIDTokenLacks(t *testing.T) {
	r := newRig(t)
	r.Configure(func(s *upstreamtest.Settings) { s.SparseIDToken = true })
	got := r.LogIn(t, r.provider, "alice").Identity
	if got.Name != "Alice Example" || got.Email != "alice@example.com" || !got.EmailVerified || len(got.Groups) != 2 {
		t.Errorf("identity %+v", got)
	}
	if n := r.Requests(upstreamtest.Userinfo); n != 1 {
		t.Errorf("%d userinfo requests", n)
	}
}

func TestIDTokenOutweighsUserinfo(t *testing.T) {
	r := newRig(t)
	r.EditIDToken(func(d draft) { delete(d.Claims, "name"); d.Claims["email_verified"] = false })
	r.EditUserinfo(func(d map[string]any) { d["email"], d["groups"] = "other@example.com", []string{"root"} })
	got := r.LogIn(t, r.provider, "alice").Identity
	if got.Name != "Alice Example" || got.Email != "alice@example.com" || got.EmailVerified || slices.Contains(got.Groups, "root") {
		t.Errorf("identity %+v", got)
	}
}

func TestUserinfoAboutSomebodyElseIsFatal(t *testing.T) {
	for name, subject := range map[string]any{"another": "mallory", "missing": nil, "a number": 1} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Configure(func(s *upstreamtest.Settings) { s.SparseIDToken = true })
			r.EditUserinfo(func(d map[string]any) { d["sub"] = subject })
			_, err := r.exchange(t)
			wantKind(t, err, upstream.KindInvalidToken)
		})
	}
}

func TestUserinfoThatFailsCostsNoLogin(t *testing.T) {
	for name, fault := range map[string]upstreamtest.Fault{
		"500":        upstreamtest.Status(http.StatusInternalServerError),
		"403":        upstreamtest.Status(http.StatusForbidden),
		"reset":      upstreamtest.Reset(),
		"HTML":       upstreamtest.Status(http.StatusOK),
		"a JWT":      upstreamtest.Body(http.StatusOK, "application/jwt", "a.b.c"),
		"a redirect": upstreamtest.Redirect("http://127.0.0.1:1/"),
		"endless":    upstreamtest.Endless(),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Configure(func(s *upstreamtest.Settings) { s.SparseIDToken = true })
			r.SetFault(upstreamtest.Userinfo, fault)
			login, err := r.exchange(t)
			if err != nil || login.Identity.Subject == "" || login.Identity.Name != "" {
				t.Errorf("identity %+v: %v", login.Identity, err)
			}
		})
	}
}

func TestProviderWithoutUserinfoEndpointStillWorks(t *testing.T) {
	r := newRig(t)
	r.Configure(func(s *upstreamtest.Settings) { s.SparseIDToken = true })
	r.EditMetadata(func(d map[string]any) { delete(d, "userinfo_endpoint") })
	r.LogIn(t, r.provider, "alice")
}
