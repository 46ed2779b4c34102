package page

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gatehouse-auth/gatehouse/edge/requestlog"
	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// continueView is a page that moves on by itself, with a link for browsers that do not.
type continueView struct {
	Heading, Label string
	Target         template.URL
}

// returnView is a page that leaves this server only when the visitor says so.
type returnView struct {
	Test, Heading, Text string
	// Code is the OAuth error code. Empty when the visitor refused.
	Code string
	// Reference is the identifier of the request, under which its log line is found.
	Reference   string
	Destination string
	Target      template.URL
}

// continueUpstream binds the browser to the transaction and sends it to the provider. No other answer sets the binding
// cookie.
func (p *Pages) continueUpstream(w http.ResponseWriter, r *http.Request, upstream *gatehousev1.UpstreamRedirect) {
	target, ok := leaveTo(upstream.GetUri())
	if !ok || upstream.GetState() == "" || upstream.GetBrowserSecret() == "" {
		p.fault(w, r, errRedirect)
		return
	}
	p.cookie.set(w, r, bindPurpose, upstream.GetState(), upstream.GetBrowserSecret(), upstream.GetExpireTime().AsTime())
	provider := firstNonEmpty(upstream.GetProviderName(), "your identity provider")
	p.moveOn(w, r, "Taking you to "+provider, "Continue to "+provider, target)
}

// returnDenied tells the client that the user said no. Somebody who just refused is not thrown to the client's site,
// unless the core says that this client may be trusted with that.
func (p *Pages) returnDenied(w http.ResponseWriter, r *http.Request, to *gatehousev1.ClientRedirect) {
	target, ok := leaveTo(to.GetUri())
	if !ok {
		p.fault(w, r, errRedirect)
		return
	}
	if to.GetAutomatic() {
		p.moveOn(w, r, "Access denied", "Return to "+to.GetDestination(), target)
		return
	}
	p.render(w, r, http.StatusOK, document{view: "return", Title: "Access denied", Body: returnView{
		Test:        "denied",
		Heading:     "Access denied",
		Text:        "Nothing was shared. You can close this tab, or let the app know.",
		Destination: to.GetDestination(),
		Target:      target,
	}})
}

// returnCompleted takes the browser back to the client after the provider's answer. A code always goes out at once: the
// user has approved this destination.
func (p *Pages) returnCompleted(w http.ResponseWriter, r *http.Request, to *gatehousev1.ClientRedirect) {
	if to.GetError() != "" {
		p.returnToClient(w, r, to, statusOfError(to.GetError()))
		return
	}
	target, ok := leaveTo(to.GetUri())
	if !ok {
		p.fault(w, r, errRedirect)
		return
	}
	redirect(w, string(target))
}

// returnToClient tells the client of an error: at once where the core allows it, and otherwise by a page, with the given
// status, that names the destination and waits for the visitor (RFC 9700 section 4.11.2).
func (p *Pages) returnToClient(w http.ResponseWriter, r *http.Request, to *gatehousev1.ClientRedirect, status int) {
	target, ok := leaveTo(to.GetUri())
	switch {
	case !ok:
		p.fault(w, r, errRedirect)
	case to.GetAutomatic():
		redirect(w, string(target))
	default:
		p.render(w, r, status, document{view: "return", Title: "Sign-in stopped", Body: returnView{
			Test:        "client-error",
			Heading:     "Sign-in stopped",
			Text:        firstNonEmpty(to.GetErrorDescription(), "The request of the app cannot be carried out."),
			Code:        to.GetError(),
			Reference:   requestlog.ID(r.Context()),
			Destination: to.GetDestination(),
			Target:      target,
		}})
	}
}

// moveOn answers a form with a page of this origin that goes on by itself. A redirect would not do: browsers apply
// form-action to every redirect that follows a form, and block it.
func (p *Pages) moveOn(w http.ResponseWriter, r *http.Request, heading, label string, target template.URL) {
	p.render(w, r, http.StatusOK, document{
		view:    "continue",
		Title:   heading,
		Refresh: target,
		Body:    continueView{Heading: heading, Label: label, Target: target},
	})
}

// leaveTo accepts a URL that a browser may be sent to. The core has checked it already; here it becomes a navigation,
// so that schemes which would run or read something in the browser are refused once more.
func leaveTo(uri string) (template.URL, bool) {
	if strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return "", false
	}
	u, err := url.Parse(uri)
	if err != nil {
		return "", false
	}
	switch scheme := strings.ToLower(u.Scheme); {
	case scheme == "":
		return "", false
	case scheme == "http", scheme == "https":
		return template.URL(uri), u.Host != "" //nolint:gosec // the scheme is http or https
	default:
		return template.URL(uri), !slices.Contains(activeSchemes(), scheme) //nolint:gosec // an app opens it
	}
}

// activeSchemes returns schemes that browsers handle themselves.
func activeSchemes() []string {
	return []string{
		"about", "blob", "chrome", "chrome-extension", "content", "data", "file", "filesystem", "ftp", "intent",
		"jar", "javascript", "livescript", "mailto", "mhtml", "moz-extension", "resource", "vbscript", "view-source",
		"ws", "wss",
	}
}

func firstNonEmpty(values ...string) string {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}
