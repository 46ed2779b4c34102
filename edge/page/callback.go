package page

import (
	"net/http"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// maxErrorText is the longest error description that the core accepts for its log, in bytes.
const maxErrorText = 8192

// callback takes the provider's answer (RFC 6749 section 4.1.2) and hands it to the core together with the binding
// secret of this browser. Whether the two belong together is the core's decision, on success and on error alike.
func (p *Pages) callback(w http.ResponseWriter, r *http.Request) {
	query, ok := p.readQuery(w, r)
	if !ok {
		return
	}
	state := query.value("state")
	switch {
	case slices.ContainsFunc([]string{"state", "code", "error", "error_description", "iss"}, query.repeated),
		state == "", len(state) > maxHandle, !query.has("code") && !query.has("error"):
		p.Error(w, r, http.StatusBadRequest)
		return
	}
	secret, _ := p.cookie.secret(r, bindPurpose, state)
	ctx, cancel := callContext(r)
	defer cancel()
	response, err := p.auth.CompleteAuthorization(ctx, &gatehousev1.CompleteAuthorizationRequest{
		State:            state,
		BrowserSecret:    secret,
		Code:             query.value("code"),
		Error:            query.value("error"),
		ErrorDescription: clip(query.value("error_description"), maxErrorText),
		Iss:              query.value("iss"),
	})
	if status.Code(err) != codes.Unavailable {
		// An outage is no verdict: the same browser may come again with the same answer.
		p.cookie.clear(w, bindPurpose, state)
	}
	if err != nil {
		p.failCall(w, r, err)
		return
	}
	if account := response.GetAccount(); account != nil {
		p.signedIn(w, r, account)
		return
	}
	p.returnCompleted(w, r, response.GetRedirect())
}

// clip cuts text to at most n bytes, at a character.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "")
}
