package server_test

import (
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

const (
	allow = gatehousev1.DecideConsentRequest_DECISION_ALLOW
	deny  = gatehousev1.DecideConsentRequest_DECISION_DENY
)

func TestLoginYieldsATokenForTheUserAndTheResource(t *testing.T) {
	r := newRig(t)
	tokens := r.login(t)
	if tokens.GetTokenType() != "Bearer" || tokens.GetExpiresIn() != 3600 || tokens.GetScope() != "mcp" {
		t.Errorf("token response = %v", tokens)
	}
	if !strings.HasPrefix(tokens.GetRefreshToken(), "ghr_") {
		t.Error("no refresh token")
	}
	verdict := r.verify(t, tokens.GetAccessToken())
	if !verdict.GetActive() || verdict.GetIdentity().GetEmail() == "" || verdict.GetGrantId() == "" {
		t.Errorf("verdict = %v", verdict)
	}
	if strings.Contains(verdict.GetSubject(), verdict.GetIdentity().GetSubject()) {
		t.Error("the subject is not opaque")
	}
}

func TestAuthorizationResponseReturnsStateExactlyAndNamesTheIssuer(t *testing.T) {
	r := newRig(t)
	req := request(r.register(t))
	done, err := r.CompleteAuthorization(t.Context(), r.allow(t, r.begin(t, req)))
	if err != nil {
		t.Fatal(err)
	}
	query := parse(t, done.GetRedirect().GetUri()).Query()
	for name, want := range map[string]string{"state": req.GetState(), "iss": issuer} {
		if got := query[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s = %q, want exactly %q", name, got, want)
		}
	}
	if !done.GetRedirect().GetAutomatic() {
		t.Error("a code waits for a click")
	}
}

func TestNothingIsRedirectedBeforeClientAndRedirectAreProven(t *testing.T) {
	r := newRig(t)
	clientID := r.register(t)
	for name, test := range map[string]struct {
		change func(*gatehousev1.BeginAuthorizationRequest)
		reason string
	}{
		"unknown client":    {func(q *gatehousev1.BeginAuthorizationRequest) { q.ClientId = "nobody" }, "invalid_client"},
		"the provider's id": {func(q *gatehousev1.BeginAuthorizationRequest) { q.ClientId = r.idp.ClientID() }, "invalid_client"},
		"another redirect":  {func(q *gatehousev1.BeginAuthorizationRequest) { *q.RedirectUri = "https://evil.example/cb" }, "invalid_redirect_uri"},
		"an added slash":    {func(q *gatehousev1.BeginAuthorizationRequest) { *q.RedirectUri += "/" }, "invalid_redirect_uri"},
		"repeated redirect": {func(q *gatehousev1.BeginAuthorizationRequest) { q.RepeatedParameters = []string{"redirect_uri"} }, "invalid_request"},
		"bad scope as well": {func(q *gatehousev1.BeginAuthorizationRequest) { *q.RedirectUri += "x"; q.ResponseType = "token" }, "invalid_redirect_uri"},
	} {
		t.Run(name, func(t *testing.T) {
			req := request(clientID)
			test.change(req)
			begun, err := r.BeginAuthorization(t.Context(), req)
			wantReason(t, err, test.reason)
			if begun != nil {
				t.Errorf("outcome = %v", begun)
			}
		})
	}
}

func TestRefusedRequestTellsTheClient(t *testing.T) {
	text := func(s string) *string { return &s }
	r := newRig(t)
	clientID := r.register(t)
	for name, test := range map[string]struct {
		change func(*gatehousev1.BeginAuthorizationRequest)
		want   string
	}{
		"no challenge":        {func(q *gatehousev1.BeginAuthorizationRequest) { q.CodeChallenge = "" }, "invalid_request"},
		"plain challenge":     {func(q *gatehousev1.BeginAuthorizationRequest) { q.CodeChallengeMethod = "plain" }, "invalid_request"},
		"no method":           {func(q *gatehousev1.BeginAuthorizationRequest) { q.CodeChallengeMethod = "" }, "invalid_request"},
		"implicit grant":      {func(q *gatehousev1.BeginAuthorizationRequest) { q.ResponseType = "token" }, "unsupported_response_type"},
		"no response type":    {func(q *gatehousev1.BeginAuthorizationRequest) { q.ResponseType = "" }, "invalid_request"},
		"fragment":            {func(q *gatehousev1.BeginAuthorizationRequest) { q.ResponseMode = "fragment" }, "invalid_request"},
		"foreign resource":    {func(q *gatehousev1.BeginAuthorizationRequest) { q.Resources = []string{"https://other.example/mcp"} }, "invalid_target"},
		"issuer as resource":  {func(q *gatehousev1.BeginAuthorizationRequest) { q.Resources = []string{issuer} }, "invalid_target"},
		"two resources":       {func(q *gatehousev1.BeginAuthorizationRequest) { q.Resources = []string{resource, issuer} }, "invalid_target"},
		"malformed scope":     {func(q *gatehousev1.BeginAuthorizationRequest) { q.Scope = text("a\"b") }, "invalid_scope"},
		"silent":              {func(q *gatehousev1.BeginAuthorizationRequest) { q.Prompt = "none" }, "consent_required"},
		"request object":      {func(q *gatehousev1.BeginAuthorizationRequest) { q.RequestObject = true }, "request_not_supported"},
		"repeated parameter":  {func(q *gatehousev1.BeginAuthorizationRequest) { q.RepeatedParameters = []string{"scope"} }, "invalid_request"},
		"state with a NUL":    {func(q *gatehousev1.BeginAuthorizationRequest) { q.State = text("a\x00b") }, "invalid_request"},
		"state of 2049 bytes": {func(q *gatehousev1.BeginAuthorizationRequest) { q.State = text(strings.Repeat("s", 2049)) }, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			req := request(clientID)
			test.change(req)
			begun, err := r.BeginAuthorization(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			redirect := begun.GetRedirect()
			query := parse(t, redirect.GetUri()).Query()
			if query.Get("error") != test.want || query.Get("iss") != issuer {
				t.Errorf("redirect = %v, want error %s", redirect.GetUri(), test.want)
			}
			if redirect.GetAutomatic() {
				t.Error("a client that registered itself gets the browser without a gesture")
			}
		})
	}
}

func TestErrorsGoToLoopbackAndOperatorClientsAtOnce(t *testing.T) {
	r := newRig(t)
	loopback := "http://127.0.0.1:5000/cb"
	req := request(r.register(t, loopback))
	req.RedirectUri, req.CodeChallenge = &loopback, ""
	begun, err := r.BeginAuthorization(t.Context(), req)
	if err != nil || !begun.GetRedirect().GetAutomatic() {
		t.Errorf("loopback: %v, %v", begun, err)
	}
	created, err := r.admin.CreateClient(t.Context(), &gatehousev1.CreateClientRequest{
		Metadata: &gatehousev1.RegisterClientRequest{RedirectUris: []string{redirectURI}, TokenEndpointAuthMethod: "none"},
	})
	if err != nil {
		t.Fatal(err)
	}
	req = request(created.GetClient().GetClientId())
	req.CodeChallenge = ""
	begun, err = r.BeginAuthorization(t.Context(), req)
	if err != nil || !begun.GetRedirect().GetAutomatic() {
		t.Errorf("operator's client: %v, %v", begun, err)
	}
}

func TestScopesAreWhatTheResourceKnows(t *testing.T) {
	r := newRig(t, "GATEHOUSE_SCOPES=read write")
	clientID := r.register(t)
	for requested, want := range map[string]string{
		"":                          "read write",
		"write":                     "write",
		"write offline_access read": "write read",
		"openid profile":            "read write",
	} {
		req := request(clientID)
		if requested != "" {
			req.Scope = &requested
		}
		consent, err := r.GetConsent(t.Context(), &gatehousev1.GetConsentRequest{Handle: r.begin(t, req)})
		if err != nil {
			t.Fatal(err)
		}
		var shown []string
		for _, scope := range consent.GetScopes() {
			shown = append(shown, scope.GetValue())
		}
		if got := strings.Join(shown, " "); got != want {
			t.Errorf("scope=%q: consent for %q, want %q", requested, got, want)
		}
	}
}

func TestAnotherBrowserCannotFinish(t *testing.T) {
	r := newRig(t)
	for name, secret := range map[string]string{"none": "", "wrong": "wrong", "page secret": "page"} {
		t.Run(name, func(t *testing.T) {
			handle := r.begin(t, request(r.register(t)))
			answer := r.allow(t, handle)
			good := answer.GetBrowserSecret()
			for _, code := range []string{answer.GetCode(), ""} { // the error branch needs the cookie as well
				answer.Code = code
			}
			answer.BrowserSecret = secret
			calls := r.idp.Requests(upstreamtest.Token)
			_, err := r.CompleteAuthorization(t.Context(), answer)
			wantReason(t, err, "wrong_browser")
			answer.BrowserSecret = good
			_, err = r.CompleteAuthorization(t.Context(), answer)
			wantReason(t, err, "transaction_used")
			if r.idp.Requests(upstreamtest.Token) != calls {
				t.Error("the provider's token endpoint was called")
			}
		})
	}
}

func TestErrorCallbackNeedsTheCookieAndIsMapped(t *testing.T) {
	r := newRig(t)
	for code, want := range map[string]string{
		"access_denied":           "access_denied",
		"login_required":          "access_denied",
		"temporarily_unavailable": "temporarily_unavailable",
		"invalid_scope":           "server_error",
		"<script>":                "server_error",
	} {
		answer := r.allow(t, r.begin(t, request(r.register(t))))
		answer.Code, answer.Error, answer.ErrorDescription = "", code, "canary text"
		done, err := r.CompleteAuthorization(t.Context(), answer)
		if err != nil {
			t.Fatal(err)
		}
		query := parse(t, done.GetRedirect().GetUri()).Query()
		if query.Get("error") != want || strings.Contains(done.GetRedirect().GetUri(), "canary") {
			t.Errorf("%s: %s", code, done.GetRedirect().GetUri())
		}
		_, err = r.CompleteAuthorization(t.Context(), answer)
		wantReason(t, err, "transaction_failed")
	}
}

func TestTheThreeSecretsAreNotInterchangeable(t *testing.T) {
	r := newRig(t)
	handle := r.begin(t, request(r.register(t)))
	answer := r.allow(t, handle)
	_, err := r.CompleteAuthorization(t.Context(), &gatehousev1.CompleteAuthorizationRequest{
		State: handle, BrowserSecret: answer.GetBrowserSecret(), Code: "c",
	})
	wantReason(t, err, "transaction_expired")
	_, err = r.GetConsent(t.Context(), &gatehousev1.GetConsentRequest{Handle: answer.GetState()})
	wantReason(t, err, "transaction_expired")
}

func TestRepeatedApprovalIsTheSameApproval(t *testing.T) {
	r := newRig(t)
	handle := r.begin(t, request(r.register(t)))
	states := make(map[string]bool)
	for range 3 {
		decided, err := r.decide(t, handle, "page", allow)
		if err != nil {
			t.Fatal(err)
		}
		states[decided.GetUpstream().GetState()] = true
	}
	if len(states) != 1 {
		t.Errorf("%d states for one transaction", len(states))
	}
	_, err := r.decide(t, handle, "page of another browser", allow)
	wantReason(t, err, "transaction_used")
	_, err = r.decide(t, handle, "page", deny)
	wantReason(t, err, "transaction_used")
}

// TestConsentPageIsThereUntilTheLoginIsOver: who reloads the page of a login that was approved sees it again, to come to the same
// approval. A login that is over has none.
func TestConsentPageIsThereUntilTheLoginIsOver(t *testing.T) {
	r := newRig(t)
	page := func(handle string) error {
		_, err := r.GetConsent(t.Context(), &gatehousev1.GetConsentRequest{Handle: handle})
		return err
	}
	handle := r.begin(t, request(r.register(t)))
	if err := page(handle); err != nil {
		t.Errorf("before the decision: %v", err)
	}
	answer := r.allow(t, handle)
	if err := page(handle); err != nil {
		t.Errorf("after the approval: %v", err)
	}
	if _, err := r.CompleteAuthorization(t.Context(), answer); err != nil {
		t.Fatal(err)
	}
	wantReason(t, page(handle), "transaction_used")

	denied := r.begin(t, request(r.register(t)))
	if _, err := r.decide(t, denied, "page", deny); err != nil {
		t.Fatal(err)
	}
	wantReason(t, page(denied), "transaction_used")
}

func TestDenyEndsTheTransaction(t *testing.T) {
	r := newRig(t)
	clientID := r.register(t)
	handle := r.begin(t, request(clientID))
	decided, err := r.decide(t, handle, "page", deny)
	if err != nil {
		t.Fatal(err)
	}
	redirect := decided.GetRedirect()
	if parse(t, redirect.GetUri()).Query().Get("error") != "access_denied" || redirect.GetAutomatic() {
		t.Errorf("redirect = %v", redirect)
	}
	_, err = r.decide(t, handle, "page", allow)
	wantReason(t, err, "transaction_used")
	r.code(t, clientID) // a new login asks again
}

func TestTransactionExpires(t *testing.T) {
	r := newRig(t)
	handle := r.begin(t, request(r.register(t)))
	answer := r.allow(t, handle)
	r.clock.Advance(10 * time.Minute)
	_, err := r.CompleteAuthorization(t.Context(), answer)
	wantReason(t, err, "transaction_expired")
	_, err = r.decide(t, handle, "page", allow)
	wantReason(t, err, "transaction_expired")
}

func TestRacingCallbacksCallTheProviderOnce(t *testing.T) {
	r := newRig(t)
	answer := r.allow(t, r.begin(t, request(r.register(t))))
	before := r.idp.Requests(upstreamtest.Token)
	var codes atomic.Int32
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			done, err := r.CompleteAuthorization(t.Context(), answer)
			switch {
			case err == nil && strings.Contains(done.GetRedirect().GetUri(), "code="):
				codes.Add(1)
			case reason(err) != "transaction_used" && reason(err) != "transaction_failed": // while the winner is at it
				t.Errorf("loser got %v", err)
			}
		})
	}
	group.Wait()
	if codes.Load() != 1 || r.idp.Requests(upstreamtest.Token) != before+1 {
		t.Errorf("%d codes, %d calls", codes.Load(), r.idp.Requests(upstreamtest.Token)-before)
	}
}

func TestProviderFailureIsToldWithoutItsText(t *testing.T) {
	r := newRig(t)
	for name, test := range map[string]struct {
		fault upstreamtest.Fault
		want  string
	}{
		"down":          {upstreamtest.Status(503), "temporarily_unavailable"},
		"reset":         {upstreamtest.Reset(), "temporarily_unavailable"},
		"invalid_grant": {upstreamtest.OAuthError(400, "invalid_grant"), "access_denied"},
		"our secret":    {upstreamtest.OAuthError(401, "invalid_client"), "temporarily_unavailable"},
		"html":          {upstreamtest.Body(200, "text/html", "<h1>canary</h1>"), "server_error"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := r.allow(t, r.begin(t, request(r.register(t))))
			r.idp.SetFault(upstreamtest.Token, test.fault)
			defer r.idp.SetFault(upstreamtest.Token, nil)
			done, err := r.CompleteAuthorization(t.Context(), answer)
			if err != nil {
				t.Fatal(err)
			}
			uri := done.GetRedirect().GetUri()
			if got := parse(t, uri).Query().Get("error"); got != test.want || strings.Contains(uri, "canary") {
				t.Errorf("redirect = %s, want %s", uri, test.want)
			}
		})
	}
}

func TestUntrustedProviderTokenEndsOnAPage(t *testing.T) {
	r := newRig(t)
	answer := r.allow(t, r.begin(t, request(r.register(t))))
	r.idp.EditIDToken(func(draft *upstreamtest.Draft) { draft.Claims["aud"] = "another app" })
	_, err := r.CompleteAuthorization(t.Context(), answer)
	wantReason(t, err, "untrusted_provider")
}

func TestProviderDownKeepsTheConsentPageUsable(t *testing.T) {
	r := newRig(t)
	r.idp.SetFault(upstreamtest.Discovery, upstreamtest.Status(503))
	handle := r.begin(t, request(r.register(t)))
	_, err := r.decide(t, handle, "page", allow)
	wantReason(t, err, "temporarily_unavailable")
	r.idp.SetFault(upstreamtest.Discovery, nil)
	r.clock.Advance(time.Minute)
	if _, err := r.decide(t, handle, "page", allow); err != nil {
		t.Errorf("after the outage: %v", err)
	}
}

func TestClientThatIsGoneGetsNoCode(t *testing.T) {
	r := newRig(t)
	clientID := r.register(t)
	answer := r.allow(t, r.begin(t, request(clientID)))
	if _, err := r.admin.DeleteClient(t.Context(), &gatehousev1.DeleteClientRequest{ClientId: clientID}); err != nil {
		t.Fatal(err)
	}
	done, err := r.CompleteAuthorization(t.Context(), answer)
	if err == nil {
		t.Errorf("redirect to a deleted client: %v", done)
	}
}

func TestRedirectURIMayBeLeftOutWhenThereIsOne(t *testing.T) {
	r := newRig(t)
	clientID := r.register(t)
	req := request(clientID)
	req.RedirectUri = nil
	done, err := r.CompleteAuthorization(t.Context(), r.allow(t, r.begin(t, req)))
	if err != nil {
		t.Fatal(err)
	}
	exchange := tokenRequest(clientID, code(t, done))
	exchange.RedirectUri = ""
	if _, err := r.ExchangeToken(t.Context(), exchange); err != nil {
		t.Error(err)
	}
	req = request(r.register(t, redirectURI, "https://app.example/other"))
	req.RedirectUri = nil
	_, err = r.BeginAuthorization(t.Context(), req)
	wantReason(t, err, "invalid_redirect_uri")
}

func TestLoopbackPortIsFreeAtAuthorizeAndFixedAtToken(t *testing.T) {
	r := newRig(t)
	clientID := r.register(t, "http://127.0.0.1:5000/cb")
	used := "http://127.0.0.1:61000/cb"
	req := request(clientID)
	req.RedirectUri = &used
	done, err := r.CompleteAuthorization(t.Context(), r.allow(t, r.begin(t, req)))
	if err != nil {
		t.Fatal(err)
	}
	exchange := tokenRequest(clientID, code(t, done))
	exchange.RedirectUri = "http://127.0.0.1:5000/cb"
	_, err = r.ExchangeToken(t.Context(), exchange)
	wantReason(t, err, "invalid_grant")
	exchange.RedirectUri = used
	if _, err = r.ExchangeToken(t.Context(), exchange); err != nil {
		t.Errorf("the honest client after a typo: %v", err)
	}
}

func code(t *testing.T, done *gatehousev1.CompleteAuthorizationResponse) string {
	t.Helper()
	u, err := url.Parse(done.GetRedirect().GetUri())
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("code")
}
