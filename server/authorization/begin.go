package authorization

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// maxState is the length in bytes of the longest "state" that is accepted.
const maxState = 2048

// Request is an authorization request (RFC 6749 section 4.1.1). Pointers are nil for parameters that are absent.
type Request struct {
	ClientID            string
	RedirectURI         *string
	ResponseType        string
	ResponseMode        string
	CodeChallenge       string
	CodeChallengeMethod string
	State               *string
	Scope               *string
	Resources           []string
	Prompt              string
	Repeated            []string // known parameters that stood more than once
	RequestObject       bool     // "request" or "request_uri" was present
}

// Begun says where the browser goes: to the consent page with Handle, or to the client with Redirect.
type Begun struct {
	Handle     secret.Text
	ExpireTime time.Time
	Redirect   *Redirect
}

// Begin validates a request and stores its transaction. An error means that client or redirect URI is not proven, or
// an outage: nobody may be redirected and nothing is stored.
func (f *Flow) Begin(ctx context.Context, request Request) (Begun, error) {
	for _, name := range []string{"client_id", "redirect_uri", "state"} {
		if slices.Contains(request.Repeated, name) {
			return Begun{}, oauth.NewError(oauth.InvalidRequest, "A parameter of the request stands more than once.")
		}
	}
	client, err := f.deps.Clients.Client(ctx, request.ClientID)
	if err != nil {
		return Begun{}, err
	}
	uri, err := f.deps.Clients.RedirectURI(client, request.RedirectURI)
	if err != nil {
		return Begun{}, err
	}
	txn, refusal := f.validate(client, request)
	to := targetOf(client, uri, txn.ClientState, txn.HasState)
	if refusal != nil {
		redirect := f.fail(to, refusal)
		return Begun{Redirect: &redirect}, nil
	}
	txn.RedirectURI, txn.RedirectGiven = uri.String(), request.RedirectURI != nil
	return f.store(ctx, to, txn)
}

// store gives the transaction its handle and writes it.
func (f *Flow) store(ctx context.Context, to target, txn storage.Transaction) (Begun, error) {
	handle := f.deps.Random.Text("")
	now := f.deps.Now()
	txn.ID = f.deps.Random.ID()
	txn.HandleHash = handle.Hash()
	txn.Status = storage.StatusPending
	txn.Provider = f.deps.Provider.Name()
	txn.CreateTime = now
	txn.ExpireTime = now.Add(f.config.TransactionTTL)
	err := f.deps.Store.CreateTransaction(ctx, txn, f.config.MaxLive)
	if errors.Is(err, storage.ErrLimit) {
		redirect := f.fail(to, oauth.Unavailable(err))
		return Begun{Redirect: &redirect}, nil
	}
	if err != nil {
		return Begun{}, oauth.Unavailable(err)
	}
	return Begun{Handle: handle, ExpireTime: txn.ExpireTime}, nil
}

// validate checks everything behind the redirect URI. State is read first, so that every refusal can return it.
func (f *Flow) validate(client storage.Client, r Request) (storage.Transaction, *oauth.Error) {
	txn := storage.Transaction{ClientID: client.ID}
	if r.State != nil {
		if len(*r.State) > maxState {
			return txn, oauth.NewError(oauth.InvalidRequest, "state may have 2048 bytes.")
		}
		if strings.ContainsRune(*r.State, 0) { // which no store keeps, and RFC 6749 appendix A.5 does not allow
			return txn, oauth.NewError(oauth.InvalidRequest, "state must have no NUL.")
		}
		txn.ClientState, txn.HasState = *r.State, true
	}
	if refusal := checkForm(r); refusal != nil {
		return txn, refusal
	}
	challenge, err := oauth.ParseChallenge(r.CodeChallengeMethod, r.CodeChallenge)
	if err != nil {
		return txn, asError(err)
	}
	resource, err := f.config.Resources.Select(r.Resources)
	if err != nil {
		return txn, asError(err)
	}
	scopes, err := grantable(client, resource, r.Scope)
	if err != nil {
		return txn, asError(err)
	}
	txn.Challenge, txn.Resource, txn.Scopes = string(challenge), resource.URI, scopes
	return txn, nil
}

// checkForm refuses what this server does not speak.
func checkForm(r Request) *oauth.Error {
	switch {
	case len(r.Repeated) > 0:
		return oauth.NewError(oauth.InvalidRequest, "A parameter of the request stands more than once.")
	case r.RequestObject:
		return oauth.NewError(oauth.RequestNotSupported, "Request objects are not supported.")
	case r.ResponseType == "":
		return oauth.NewError(oauth.InvalidRequest, "response_type is missing.")
	case r.ResponseType != "code":
		return oauth.NewError(oauth.UnsupportedResponseType, "Only response_type=code is supported.")
	case r.ResponseMode != "" && r.ResponseMode != "query":
		return oauth.NewError(oauth.InvalidRequest, "Only response_mode=query is supported.")
	case r.Prompt == "none":
		return oauth.NewError(oauth.ConsentRequired, "The user must be asked.")
	}
	return nil
}

// grantable is what the consent page will ask for: the requested scopes that resource and client allow. A request
// without any of them means the resource's own, since clients send scopes that they found elsewhere; the user sees,
// and the token response says, what it became (RFC 6749 section 3.3).
func grantable(client storage.Client, resource oauth.Resource, requested *string) (oauth.Scopes, error) {
	allowed := resource.Scopes.Intersect(client.Scopes)
	if requested == nil {
		return allowed, nil
	}
	scopes, err := oauth.ParseScopes(*requested)
	if err != nil {
		return nil, err
	}
	if common := scopes.Intersect(allowed); len(common) > 0 {
		return common, nil
	}
	return allowed, nil
}

// asError returns the public error in a chain.
func asError(err error) *oauth.Error {
	if e, ok := errors.AsType[*oauth.Error](err); ok {
		return e
	}
	return oauth.NewError(oauth.ServerError, "The server cannot answer.").WithCause(err)
}
