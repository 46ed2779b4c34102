package verifier

import (
	"errors"
	"maps"
	"net/http"
)

// Authenticate returns the principal of a request. Besides the errors of [Verifier.Verify] it returns
// [ErrNoCredentials] and [ErrRepeatedCredentials]. Most programs want [Verifier.Middleware] instead.
func (v *Verifier) Authenticate(r *http.Request) (Principal, error) {
	a, err := v.admit(r)
	if err != nil {
		return Principal{}, err
	}
	return a.principal, nil
}

func (v *Verifier) admit(r *http.Request) (*admission, error) {
	token, err := bearerToken(r.Header.Values("Authorization"))
	if err != nil {
		return nil, err
	}
	principal, err := v.Verify(r.Context(), token)
	if err != nil {
		return nil, err
	}
	return &admission{principal: principal, token: token}, nil
}

// Middleware lets a request through to next only with a good token. Every other request is answered as described at
// [Verifier.WriteError], whatever its method.
//
// next finds the caller with [PrincipalFrom] and does not find an Authorization header: a token is for the server that
// it was issued for, and what a handler does not have it cannot pass on.
func (v *Verifier) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, err := v.admit(r)
		if err != nil {
			v.log(r, err)
			v.WriteError(w, err)
			return
		}
		admitted := r.WithContext(withAdmission(r.Context(), a))
		// The values are shared with the request of the caller: only whole ones go away.
		admitted.Header = maps.Clone(r.Header)
		delete(admitted.Header, "Authorization")
		next.ServeHTTP(w, admitted)
	})
}

// log is the only place where the private half of an error of a request goes.
func (v *Verifier) log(r *http.Request, err error) {
	if outage, ok := errors.AsType[*Unavailable](err); ok {
		if r.Context().Err() != nil {
			// The client is gone. That is why nobody answered.
			return
		}
		v.logger.WarnContext(r.Context(), "token could not be verified", "error", outage.cause)
		return
	}
	v.logger.DebugContext(r.Context(), "request refused", "error", err)
}
