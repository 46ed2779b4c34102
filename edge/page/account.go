package page

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// showAccount shows what the signed-in user allowed, or asks to sign in.
func (p *Pages) showAccount(w http.ResponseWriter, r *http.Request) {
	session, account, ok := p.account(w, r)
	if !ok {
		return
	}
	p.renderForms(w, r, http.StatusOK, document{
		view: "account", Title: "Your account", Body: newAccountView(account, accountToken(session), p.now()),
	})
}

// confirmDisconnect asks before everything is disconnected. Fewer than two applications have their own buttons.
func (p *Pages) confirmDisconnect(w http.ResponseWriter, r *http.Request) {
	session, account, ok := p.account(w, r)
	if !ok {
		return
	}
	if len(account.GetApplications()) < 2 {
		redirect(w, "/account")
		return
	}
	p.renderForms(w, r, http.StatusOK, document{
		view: "disconnect", Title: "Disconnect all apps?", Body: newConfirmView(account, accountToken(session)),
	})
}

// account returns the session of this browser and what belongs to it. Without one it answers with the sign-in page.
func (p *Pages) account(w http.ResponseWriter, r *http.Request) (string, *gatehousev1.GetAccountResponse, bool) {
	session, ok := p.cookie.session(r)
	if !ok {
		p.askToSignIn(w, r, http.StatusOK, "")
		return "", nil, false
	}
	ctx, cancel := callContext(r)
	defer cancel()
	account, err := p.auth.GetAccount(ctx, &gatehousev1.GetAccountRequest{SessionSecret: session})
	switch {
	case isSessionOver(err):
		p.cookie.endSession(w)
		p.askToSignIn(w, r, http.StatusOK, noticeEnded)
	case err != nil:
		p.failCall(w, r, err)
	}
	return session, account, err == nil
}

// disconnect ends one application, or all. One that is gone already was disconnected twice, which is no mistake.
func (p *Pages) disconnect(w http.ResponseWriter, r *http.Request) {
	session, f, ok := p.accountForm(w, r)
	if !ok {
		return
	}
	request, ok := disconnectRequest(session, f)
	if !ok {
		p.Error(w, r, http.StatusBadRequest)
		return
	}
	ctx, cancel := callContext(r)
	defer cancel()
	_, err := p.auth.DisconnectGrants(ctx, request)
	switch {
	case err == nil, reasonOf(err) == "not_found":
		redirect(w, "/account")
	case isSessionOver(err):
		p.cookie.endSession(w)
		p.askToSignIn(w, r, http.StatusForbidden, noticeUnchanged)
	default:
		p.failCall(w, r, err)
	}
}

// disconnectRequest reads what a form disconnects: one application or all, never both.
func disconnectRequest(session string, f form) (*gatehousev1.DisconnectGrantsRequest, bool) {
	request := &gatehousev1.DisconnectGrantsRequest{SessionSecret: session}
	switch grant := f.value("grant"); {
	case f.has("all") == f.has("grant"):
		return nil, false
	case f.value("all") == "yes":
		request.Selector = &gatehousev1.DisconnectGrantsRequest_All{All: true}
	case grant != "" && len(grant) <= maxHandle:
		request.Selector = &gatehousev1.DisconnectGrantsRequest_GrantId{GrantId: grant}
	default:
		return nil, false
	}
	return request, true
}

// accountForm reads a form of the account page and proves that this page sent it. Somebody whose session has ended since
// then is told so, and has lost nothing.
func (p *Pages) accountForm(w http.ResponseWriter, r *http.Request) (session string, f form, ok bool) {
	if f, ok = p.readBody(w, r); !ok {
		return "", nil, false
	}
	if !p.sameOrigin(r) {
		p.fail(w, r, forgedFormProblem())
		return "", nil, false
	}
	if session, ok = p.cookie.session(r); !ok {
		p.askToSignIn(w, r, http.StatusForbidden, noticeUnchanged)
		return "", nil, false
	}
	if !hmac.Equal([]byte(f.value("csrf")), []byte(accountToken(session))) {
		p.fail(w, r, forgedFormProblem())
		return "", nil, false
	}
	return session, f, true
}

// accountToken binds a form to the session, and to this use of its secret.
func accountToken(session string) string {
	mac := hmac.New(sha256.New, []byte(session))
	mac.Write([]byte("account"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
