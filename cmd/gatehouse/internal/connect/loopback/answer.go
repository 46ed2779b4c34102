package loopback

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"
)

// Expectation is what an answer must carry.
type Expectation struct {
	// State is the state of the request (RFC 6749 section 10.12).
	State string
	// Issuer is the authorization server that was asked (RFC 9207 section 2.4).
	Issuer string
	// IssuerRequired is true when that server says that it names itself in every answer.
	IssuerRequired bool
}

// ErrIssuer means that the answer is not from the server that was asked: a mix-up attack, or a broken server. Nothing
// else of such an answer may be used or shown.
var ErrIssuer = errors.New("the answer does not come from the authorization server that was asked (RFC 9207); it was not used")

// errForeign means that the answer belongs to another question.
var errForeign = errors.New("not the answer that was asked for")

// Refusal is the error that the authorization server answered with (RFC 6749 section 4.1.2.1).
type Refusal struct{ Code, Description string }

// Error names the code and the description.
func (r *Refusal) Error() string {
	if r.Description == "" {
		return "the login was refused: " + r.Code
	}
	return fmt.Sprintf("the login was refused: %s (%s)", r.Description, r.Code)
}

// code returns the code of an answer, or why it has none.
func (e Expectation) code(query url.Values) (string, error) {
	states := query["state"]
	if len(states) != 1 || subtle.ConstantTimeCompare([]byte(states[0]), []byte(e.State)) != 1 {
		return "", errForeign
	}
	issuers := query["iss"]
	missing := len(issuers) == 0 && e.IssuerRequired
	if missing || len(issuers) > 1 || len(issuers) == 1 && issuers[0] != e.Issuer {
		return "", ErrIssuer
	}
	switch codes, problems := query["code"], query["error"]; {
	case len(problems) == 1 && len(codes) == 0:
		return "", &Refusal{Code: problems[0], Description: query.Get("error_description")}
	case len(codes) == 1 && codes[0] != "" && len(problems) == 0:
		return codes[0], nil
	default:
		return "", &Refusal{Code: "invalid_response", Description: "the answer has neither a code nor an error"}
	}
}
