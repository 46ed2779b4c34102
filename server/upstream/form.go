package upstream

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// post sends a form, once, to an endpoint where we authenticate as we do at the token endpoint (RFC 6749 section 2.3.1).
func (p *OIDC) post(ctx context.Context, what, endpoint string, form url.Values) (answer, error) {
	if p.authStyle == oauth2.AuthStyleInParams {
		form.Set("client_id", p.clientID)
		form.Set("client_secret", p.clientSecret.Reveal())
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, newError(KindMisconfigured, "%s: %w", what, err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if p.authStyle == oauth2.AuthStyleInHeader {
		request.SetBasicAuth(url.QueryEscape(p.clientID), url.QueryEscape(p.clientSecret.Reveal()))
	}
	return send(p.client, what, request)
}

// refused reports whether the answer is a well-formed error of RFC 6749 section 5.2 with one of the codes.
func (a answer) refused(codes ...string) bool {
	return a.status == http.StatusBadRequest && slices.Contains(codes, errorCode(a.body))
}

// failure maps an answer that decides nothing about a token. A 401 is always about us: the token is in the form.
func (a answer) failure(what string, now time.Time) *Error {
	if a.status == http.StatusUnauthorized || a.refused("invalid_client", "unauthorized_client") {
		return newError(KindMisconfigured, "%s answered %d: it does not accept this client", what, a.status)
	}
	return statusError(what, a.status, a.header, now)
}
