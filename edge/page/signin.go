package page

import (
	"errors"
	"net/http"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// errNoSession means that the core signed somebody in without a session.
var errNoSession = errors.New("page: the core answered a sign-in without a session")

// What the sign-in page says to somebody who was signed in before.
const (
	noticeEnded     = "Your sign-in has ended. Please sign in again."
	noticeUnchanged = "Your sign-in has ended, and nothing was changed. Sign in again, then repeat what you did."
)

// signInView asks somebody to sign in.
type signInView struct {
	// Notice says why, when that is not plain. Usually empty.
	Notice string
}

// askToSignIn answers in place of the account page.
func (p *Pages) askToSignIn(w http.ResponseWriter, r *http.Request, status int, notice string) {
	p.renderForms(w, r, status, document{view: "signin", Title: "Your account", Body: signInView{Notice: notice}})
}

// signIn sends the browser to the provider. It takes a form of our own page only, so that no other site can have somebody
// signed in unnoticed.
func (p *Pages) signIn(w http.ResponseWriter, r *http.Request) {
	if _, ok := p.readBody(w, r); !ok {
		return
	}
	if !p.sameOrigin(r) {
		p.fail(w, r, forgedFormProblem())
		return
	}
	ctx, cancel := callContext(r)
	defer cancel()
	begun, err := p.auth.BeginAccountLogin(ctx, &gatehousev1.BeginAccountLoginRequest{})
	if err != nil {
		p.failCall(w, r, err)
		return
	}
	p.continueUpstream(w, r, &gatehousev1.UpstreamRedirect{
		Uri: begun.GetUri(), State: begun.GetState(), BrowserSecret: begun.GetBrowserSecret(), ExpireTime: begun.GetExpireTime(),
	})
}

// signedIn keeps the session of a completed sign-in and shows the account.
func (p *Pages) signedIn(w http.ResponseWriter, r *http.Request, account *gatehousev1.AccountSession) {
	if account.GetSessionSecret() == "" {
		p.fault(w, r, errNoSession)
		return
	}
	p.cookie.setSession(w, account.GetSessionSecret(), account.GetExpireTime().AsTime())
	redirect(w, "/account")
}

// signOut ends the session here. What the apps may do does not change.
func (p *Pages) signOut(w http.ResponseWriter, r *http.Request) {
	session, _, ok := p.accountForm(w, r)
	if !ok {
		return
	}
	ctx, cancel := callContext(r)
	defer cancel()
	_, err := p.auth.EndAccountSession(ctx, &gatehousev1.EndAccountSessionRequest{SessionSecret: session})
	if err != nil && !isSessionOver(err) {
		p.failCall(w, r, err)
		return
	}
	p.cookie.endSession(w)
	redirect(w, "/account")
}
