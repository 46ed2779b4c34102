package upstream_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

func TestMetadataThatCannotBeBelievedIsRefused(t *testing.T) {
	set := func(name string, value any) func(map[string]any) {
		return func(d map[string]any) { d[name] = value }
	}
	for name, test := range map[string]struct {
		edit func(map[string]any)
		want upstream.Kind
	}{
		"another issuer":              {set("issuer", "https://evil.example"), upstream.KindMisconfigured},
		"issuer with a slash":         {func(d map[string]any) { d["issuer"] = d["issuer"].(string) + "/" }, upstream.KindMisconfigured},
		"no issuer":                   {set("issuer", nil), upstream.KindMisconfigured},
		"issuer a list":               {func(d map[string]any) { d["issuer"] = []any{d["issuer"]} }, upstream.KindMisconfigured},
		"token endpoint elsewhere":    {set("token_endpoint", "https://evil.example/token"), upstream.KindMisconfigured},
		"token endpoint on a sibling": {set("token_endpoint", "http://127.0.0.1:1/token"), upstream.KindMisconfigured},
		"token endpoint with a user": {func(d map[string]any) {
			d["token_endpoint"] = strings.Replace(d["token_endpoint"].(string), "//", "//u@", 1)
		}, upstream.KindMisconfigured},
		"token endpoint a fragment":    {func(d map[string]any) { d["token_endpoint"] = d["token_endpoint"].(string) + "#x" }, upstream.KindMisconfigured},
		"token endpoint a file":        {set("token_endpoint", "file:///etc/passwd"), upstream.KindMisconfigured},
		"token endpoint relative":      {set("token_endpoint", "/token"), upstream.KindMisconfigured},
		"token endpoint no URL":        {set("token_endpoint", "http://[::1"), upstream.KindMisconfigured},
		"token endpoint missing":       {set("token_endpoint", nil), upstream.KindGarbage},
		"token endpoint a number":      {set("token_endpoint", 7), upstream.KindGarbage},
		"keys elsewhere":               {set("jwks_uri", "https://evil.example/keys"), upstream.KindMisconfigured},
		"keys missing":                 {set("jwks_uri", ""), upstream.KindGarbage},
		"authorization elsewhere":      {set("authorization_endpoint", "https://evil.example/"), upstream.KindMisconfigured},
		"authorization a script":       {set("authorization_endpoint", "javascript:alert(1)"), upstream.KindMisconfigured},
		"authorization missing":        {set("authorization_endpoint", nil), upstream.KindGarbage},
		"userinfo elsewhere":           {set("userinfo_endpoint", "https://evil.example/"), upstream.KindMisconfigured},
		"userinfo missing is no fault": {set("userinfo_endpoint", nil), ""},
		"introspection elsewhere":      {set("introspection_endpoint", "https://evil.example/"), upstream.KindMisconfigured},
		"introspection a number":       {set("introspection_endpoint", 7), upstream.KindGarbage},
		"no introspection is no fault": {set("introspection_endpoint", nil), ""},
		"revocation elsewhere":         {set("revocation_endpoint", "https://evil.example/"), upstream.KindMisconfigured},
		"revocation a list":            {set("revocation_endpoint", []string{"/r"}), upstream.KindGarbage},
		"no revocation is no fault":    {set("revocation_endpoint", ""), ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.EditMetadata(test.edit)
			wantKind(t, r.provider.Ready(t.Context()), test.want)
			if n := r.Requests(upstreamtest.Token); n != 0 {
				t.Errorf("%d token requests", n)
			}
		})
	}
}

func TestMetadataFaults(t *testing.T) {
	for name, test := range map[string]struct {
		fault upstreamtest.Fault
		want  upstream.Kind
	}{
		"404":         {upstreamtest.Status(http.StatusNotFound), upstream.KindRejected},
		"429":         {upstreamtest.Status(http.StatusTooManyRequests), upstream.KindUnavailable},
		"500":         {upstreamtest.Status(http.StatusInternalServerError), upstream.KindUnavailable},
		"reset":       {upstreamtest.Reset(), upstream.KindUnavailable},
		"truncated":   {upstreamtest.Truncate(`{"issuer":"`), upstream.KindUnavailable},
		"HTML":        {upstreamtest.Status(http.StatusOK), upstream.KindGarbage},
		"a list":      {jsonBody("[]"), upstream.KindGarbage},
		"two at once": {jsonBody("{}{}"), upstream.KindGarbage},
		"repeated":    {jsonBody(`{"issuer":"a","issuer":"b"}`), upstream.KindGarbage},
		"endless":     {upstreamtest.Endless(), upstream.KindGarbage},
		"a redirect":  {upstreamtest.Redirect("http://127.0.0.1:1/"), upstream.KindGarbage},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.SetFault(upstreamtest.Discovery, test.fault)
			_, err := r.provider.AuthorizationURL(t.Context(), request())
			wantKind(t, err, test.want)
			r.SetFault(upstreamtest.Discovery, nil)
			r.clock.Advance(3 * time.Second)
			if _, err := r.provider.AuthorizationURL(t.Context(), request()); err != nil {
				t.Errorf("after it healed: %v", err)
			}
		})
	}
}

// disc-upstream-poison: a discovery document that turns evil moves neither codes nor the client secret.
func TestPoisonedMetadataLeavesTheLastGoodInPlace(t *testing.T) {
	var sunk atomic.Int32
	sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { sunk.Add(1) }))
	defer sink.Close()
	r := newRig(t)
	r.LogIn(t, r.provider, "alice")
	r.EditMetadata(func(d map[string]any) {
		d["token_endpoint"], d["jwks_uri"], d["userinfo_endpoint"] = sink.URL+"/t", sink.URL+"/k", sink.URL+"/u"
		d["introspection_endpoint"], d["revocation_endpoint"] = sink.URL+"/i", sink.URL+"/r"
	})
	for range 3 {
		r.clock.Advance(2 * time.Hour)
		seen := r.Requests(upstreamtest.Discovery)
		tokens := r.LogIn(t, r.provider, "alice").Tokens
		wantKind(t, r.provider.Confirm(t.Context(), tokens), "")
		wantKind(t, r.provider.Revoke(t.Context(), tokens), "")
		eventually(t, func() bool { return r.Requests(upstreamtest.Discovery) > seen })
	}
	if n := sunk.Load(); n != 0 {
		t.Errorf("the other host got %d requests", n)
	}
}

func TestOperatorCanAllowAnotherHost(t *testing.T) {
	f := upstreamtest.New(t)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "seen", http.StatusTeapot)
	}))
	defer elsewhere.Close()
	host := strings.TrimPrefix(elsewhere.URL, "http://")
	p := newProvider(t, f, func(c *upstream.OIDCConfig) { c.AllowedHosts = []string{host} })
	f.EditMetadata(func(d map[string]any) { d["token_endpoint"] = elsewhere.URL })
	_, err := p.Exchange(t.Context(), f.Begin(t, p, "alice").Exchange())
	wantKind(t, err, upstream.KindRejected) // the other host's 418
}

func TestMovedEndpointIsFollowedOnTheSameHost(t *testing.T) {
	r := newRig(t)
	r.LogIn(t, r.provider, "alice")
	r.EditMetadata(func(d map[string]any) { d["userinfo_endpoint"] = r.Issuer() + "/moved" })
	r.clock.Advance(2 * time.Hour)
	r.LogIn(t, r.provider, "alice")
	eventually(t, func() bool { return r.Requests(upstreamtest.Discovery) == 2 })
}

func request() upstream.AuthorizationRequest {
	x := secret.NewText("x")
	return upstream.AuthorizationRequest{State: x, Nonce: x, Verifier: x}
}

func TestMetadataIsLoadedOnceForEverybody(t *testing.T) {
	r := newRig(t)
	for range 10 {
		r.LogIn(t, r.provider, "alice")
	}
	if n := r.Requests(upstreamtest.Discovery); n != 1 {
		t.Errorf("%d requests for metadata", n)
	}
}
