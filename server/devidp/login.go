package devidp

import (
	"net/http"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// Names of the fields of the login form.
const (
	FieldUsername = "username"
	FieldPassword = "password"
	FieldCancel   = "cancel" // any value: the client gets access_denied
)

// loginPolicy asks for a user at every authorization. There is no session, so that it is easy to be somebody else.
func loginPolicy(directory directory, pages *pages) goidc.AuthnPolicy {
	return goidc.NewPolicy("login",
		func(*http.Request, *goidc.AuthnSession, *goidc.Client) bool { return true },
		func(w http.ResponseWriter, r *http.Request, session *goidc.AuthnSession, _ *goidc.Client) (goidc.Status, error) {
			page := loginPage{Action: "/authorize/" + session.ID, Users: directory.users}
			if r.Method != http.MethodPost {
				return goidc.StatusPending, pages.render(w, http.StatusOK, "login", page)
			}
			if r.PostFormValue(FieldCancel) != "" {
				return goidc.StatusFailure, nil
			}
			user, ok := directory.logIn(r.PostFormValue(FieldUsername), r.PostFormValue(FieldPassword))
			if !ok {
				page.Wrong, page.Username = true, r.PostFormValue(FieldUsername)
				return goidc.StatusPending, pages.render(w, http.StatusUnauthorized, "login", page)
			}
			session.Subject, session.Username = user.Subject, user.Username
			session.GrantedScopes = session.Scopes
			return goidc.StatusSuccess, nil
		},
	)
}
