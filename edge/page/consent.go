package page

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// maxHandle is the longest handle and the longest state that the core accepts. Longer ones are unknown to it.
const maxHandle = 128

// showConsent renders the consent page. The first view in a browser sets the page cookie; a reload keeps it, so that the
// form of an earlier view still works.
func (p *Pages) showConsent(w http.ResponseWriter, r *http.Request) {
	query, ok := p.readQuery(w, r)
	if !ok {
		return
	}
	handle := query.value("txn")
	if handle == "" || len(handle) > maxHandle {
		p.fail(w, r, expiredProblem())
		return
	}
	ctx, cancel := callContext(r)
	defer cancel()
	consent, err := p.auth.GetConsent(ctx, &gatehousev1.GetConsentRequest{Handle: handle})
	if err != nil {
		p.failCall(w, r, err)
		return
	}
	secret, ok := p.cookie.secret(r, pagePurpose, handle)
	if !ok {
		if secret, err = p.cookie.newSecret(); err != nil {
			p.fault(w, r, err)
			return
		}
		p.cookie.set(w, r, pagePurpose, handle, secret, consent.GetExpireTime().AsTime())
	}
	p.renderForms(w, r, http.StatusOK, document{
		view:  "consent",
		Title: "Allow access?",
		Body:  newConsentView(consent, handle, csrfToken(secret, handle), p.now()),
	})
}

// decideConsent takes the answer of the consent page. Nothing but the transaction, the token and the action is read, so
// that a form can change no part of what the page has shown.
func (p *Pages) decideConsent(w http.ResponseWriter, r *http.Request) {
	f, ok := p.readBody(w, r)
	if !ok {
		return
	}
	handle := f.value("txn")
	secret, ok := p.cookie.secret(r, pagePurpose, handle)
	if !ok || handle == "" || len(handle) > maxHandle || !p.sameOrigin(r) ||
		!hmac.Equal([]byte(f.value("csrf")), []byte(csrfToken(secret, handle))) {
		p.fail(w, r, forgedProblem())
		return
	}
	decision, ok := parseAction(f.value("action"))
	if !ok {
		p.Error(w, r, http.StatusBadRequest)
		return
	}
	ctx, cancel := callContext(r)
	defer cancel()
	response, err := p.auth.DecideConsent(ctx, &gatehousev1.DecideConsentRequest{
		Handle:     handle,
		Decision:   decision,
		PageSecret: secret,
	})
	if err != nil {
		p.failCall(w, r, err)
		return
	}
	switch outcome := response.GetOutcome().(type) {
	case *gatehousev1.DecideConsentResponse_Upstream:
		p.continueUpstream(w, r, outcome.Upstream)
	case *gatehousev1.DecideConsentResponse_Redirect:
		p.returnDenied(w, r, outcome.Redirect)
	default:
		p.fault(w, r, errNoOutcome)
	}
}

// csrfToken binds a form to its transaction, to the browser that holds the page secret, and to this use of the secret.
func csrfToken(pageSecret, handle string) string {
	mac := hmac.New(sha256.New, []byte(pageSecret))
	mac.Write([]byte("consent|" + handle))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// parseAction maps the value of the button that was pressed.
func parseAction(action string) (gatehousev1.DecideConsentRequest_Decision, bool) {
	switch action {
	case "allow":
		return gatehousev1.DecideConsentRequest_DECISION_ALLOW, true
	case "deny":
		return gatehousev1.DecideConsentRequest_DECISION_DENY, true
	default:
		return gatehousev1.DecideConsentRequest_DECISION_UNSPECIFIED, false
	}
}

// sameOrigin reports whether the browser says that the form was sent from this origin. Every header that says something
// must say so, and at least one must. "Origin: null" says nothing: privacy settings cause it as well as sandboxes do.
func (p *Pages) sameOrigin(r *http.Request) bool {
	site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	if site != "" && site != "same-origin" {
		return false
	}
	switch origin {
	case "", "null":
		return site != ""
	default:
		return origin == p.origin
	}
}
