package page

import (
	"net/http"
	"net/url"
	"slices"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// authorize answers the authorization endpoint (RFC 6749 section 3.1): it opens a transaction and sends the browser to
// its consent page. Until somebody approves there, nothing that this handler sends can reach the provider.
func (p *Pages) authorize(w http.ResponseWriter, r *http.Request) {
	request, ok := p.authorizationRequest(w, r)
	if !ok {
		return
	}
	ctx, cancel := callContext(r)
	defer cancel()
	response, err := p.auth.BeginAuthorization(ctx, request)
	if err != nil {
		p.failCall(w, r, err)
		return
	}
	switch outcome := response.GetOutcome().(type) {
	case *gatehousev1.BeginAuthorizationResponse_Consent:
		redirect(w, "/consent?txn="+url.QueryEscape(outcome.Consent.GetHandle()))
	case *gatehousev1.BeginAuthorizationResponse_Redirect:
		p.returnToClient(w, r, outcome.Redirect, http.StatusBadRequest)
	default:
		p.fault(w, r, errNoOutcome)
	}
}

// authorizationRequest reads the request from the query of a GET or from the body of a POST.
func (p *Pages) authorizationRequest(w http.ResponseWriter, r *http.Request) (*gatehousev1.BeginAuthorizationRequest, bool) {
	query, ok := p.readQuery(w, r)
	if !ok {
		return nil, false
	}
	if r.Method != http.MethodPost {
		return beginRequest(query), true
	}
	body, ok := p.readBody(w, r)
	if !ok {
		return nil, false
	}
	return beginRequest(body, query), true
}

// singleParameters returns the known parameters that may stand once (RFC 6749 section 4.1.1, RFC 7636 section 4.3, OpenID
// Connect Core section 3.1.2.1, RFC 9101 section 5). The resource may repeat (RFC 8707 section 2).
func singleParameters() []string {
	return []string{
		"client_id", "redirect_uri", "response_type", "response_mode", "code_challenge", "code_challenge_method",
		"state", "scope", "prompt", "request", "request_uri",
	}
}

// beginRequest maps the known parameters of one form; others are ignored. A parameter that stands more than once, in
// the form or over all of them, is reported and passed on without a value, so that nothing can be decided by one of its
// values. Other forms count for nothing else.
func beginRequest(f form, others ...form) *gatehousev1.BeginAuthorizationRequest {
	repeated := repeatedParameters(f, others)
	once := f.without(repeated)
	return &gatehousev1.BeginAuthorizationRequest{
		ClientId:            once.value("client_id"),
		RedirectUri:         once.optional("redirect_uri"),
		ResponseType:        once.value("response_type"),
		ResponseMode:        once.value("response_mode"),
		CodeChallenge:       once.value("code_challenge"),
		CodeChallengeMethod: once.value("code_challenge_method"),
		State:               once.optional("state"),
		Scope:               once.optional("scope"),
		Resources:           nonEmpty(f["resource"]),
		Prompt:              once.value("prompt"),
		RepeatedParameters:  repeated,
		RequestObject:       f.has("request") || f.has("request_uri"),
	}
}

// repeatedParameters returns the names of the single parameters of f that stand again, in f or in another form.
func repeatedParameters(f form, others []form) []string {
	var names []string
	for _, name := range singleParameters() {
		elsewhere := slices.ContainsFunc(others, func(other form) bool { return f.has(name) && other.has(name) })
		if f.repeated(name) || elsewhere {
			names = append(names, name)
		}
	}
	return names
}

func nonEmpty(values []string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(value string) bool { return value == "" })
}
