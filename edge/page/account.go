package page

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"time"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// errNoAccount means that the core signed somebody in without a session.
var errNoAccount = errors.New("page: the core answered a sign-in without a session")

// accountView is the page of a signed-in user.
type accountView struct {
	Name, Email  string
	Applications []applicationView
	CSRF         string
}

// applicationView is one grant, for people.
type applicationView struct {
	ID, Name, ClientID, Resource string
	Scopes                       []string
	Since, LastUsed              string
}

// confirmView asks before everything is disconnected.
type confirmView struct {
	Count int
	CSRF  string
}

// showAccount shows what the signed-in user allowed, or asks to sign in.
func (p *Pages) showAccount(w http.ResponseWriter, r *http.Request) {
	session, account, ok := p.account(w, r)
	if !ok {
		return
	}
	// The forms of this page must carry their origin: see showConsent.
	w.Header().Set("Referrer-Policy", "same-origin")
	csrf := accountToken(session)
	if r.URL.Query().Has("disconnect-all") && len(account.GetApplications()) > 0 {
		p.render(w, r, http.StatusOK, document{view: "disconnect", Title: "Disconnect everything?", Body: confirmView{
			Count: len(account.GetApplications()), CSRF: csrf,
		}})
		return
	}
	who := account.GetIdentity()
	view := accountView{
		Name:  firstNonEmpty(who.GetName(), who.GetPreferredUsername(), who.GetEmail(), "Your account"),
		Email: who.GetEmail(),
		CSRF:  csrf,
	}
	for _, application := range account.GetApplications() {
		view.Applications = append(view.Applications, applicationView{
			ID:       application.GetGrantId(),
			Name:     firstNonEmpty(application.GetClientName(), "An app without a name"),
			ClientID: application.GetClientId(),
			Resource: application.GetResource(),
			Scopes:   application.GetScopes(),
			Since:    day(application.GetCreateTime().AsTime()),
			LastUsed: day(application.GetLastUsedTime().AsTime()),
		})
	}
	p.render(w, r, http.StatusOK, document{view: "account", Title: "Your account", Body: view})
}

// day writes a date that nobody reads the wrong way round.
func day(t time.Time) string { return t.UTC().Format("2 January 2006") }

// account returns the session of this browser and what belongs to it. Without one it answers with the sign-in page.
func (p *Pages) account(w http.ResponseWriter, r *http.Request) (session string, account *gatehousev1.GetAccountResponse, ok bool) {
	session, ok = p.cookie.session(r)
	if !ok {
		p.askToSignIn(w, r)
		return "", nil, false
	}
	ctx, cancel := callContext(r)
	defer cancel()
	account, err := p.auth.GetAccount(ctx, &gatehousev1.GetAccountRequest{SessionSecret: session})
	if isSessionOver(err) {
		p.cookie.endSession(w)
		p.askToSignIn(w, r)
		return "", nil, false
	}
	if err != nil {
		p.failCall(w, r, err)
		return "", nil, false
	}
	return session, account, true
}

func (p *Pages) askToSignIn(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Referrer-Policy", "same-origin")
	p.render(w, r, http.StatusOK, document{view: "signin", Title: "Your account", Body: nil})
}

// signIn sends the browser to the provider. It is a POST of our own page, so that no other site can have somebody signed
// in without noticing.
func (p *Pages) signIn(w http.ResponseWriter, r *http.Request) {
	if _, ok := p.readBody(w, r); !ok {
		return
	}
	if !p.sameOrigin(r) {
		p.fail(w, r, forgedProblem())
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
		Uri: begun.GetUri(), State: begun.GetState(), BrowserSecret: begun.GetBrowserSecret(),
	})
}

// signedIn keeps the session of a completed sign-in and shows the account.
func (p *Pages) signedIn(w http.ResponseWriter, r *http.Request, account *gatehousev1.AccountSession) {
	if account.GetSessionSecret() == "" {
		p.fault(w, r, errNoAccount)
		return
	}
	p.cookie.setSession(w, account.GetSessionSecret(), account.GetExpireTime().AsTime())
	redirect(w, "/account")
}

// disconnect ends one application, or all.
func (p *Pages) disconnect(w http.ResponseWriter, r *http.Request) {
	session, f, ok := p.accountForm(w, r)
	if !ok {
		return
	}
	request := &gatehousev1.DisconnectGrantsRequest{SessionSecret: session}
	switch grant := f.value("grant"); {
	case f.value("all") == "yes" && grant == "":
		request.Selector = &gatehousev1.DisconnectGrantsRequest_All{All: true}
	case grant != "" && f.value("all") == "" && len(grant) <= maxHandle:
		request.Selector = &gatehousev1.DisconnectGrantsRequest_GrantId{GrantId: grant}
	default:
		p.Error(w, r, http.StatusBadRequest)
		return
	}
	ctx, cancel := callContext(r)
	defer cancel()
	_, err := p.auth.DisconnectGrants(ctx, request)
	switch reason, _ := reasonOf(err); {
	case err == nil, reason == "not_found": // pressed twice: it is gone
		redirect(w, "/account")
	case isSessionOver(err):
		p.cookie.endSession(w)
		p.askToSignIn(w, r)
	default:
		p.failCall(w, r, err)
	}
}

// signOut ends the session here. What the apps may do does not change.
func (p *Pages) signOut(w http.ResponseWriter, r *http.Request) {
	session, _, ok := p.accountForm(w, r)
	if !ok {
		return
	}
	ctx, cancel := callContext(r)
	defer cancel()
	if _, err := p.auth.EndAccountSession(ctx, &gatehousev1.EndAccountSessionRequest{SessionSecret: session}); err != nil {
		p.failCall(w, r, err)
		return
	}
	p.cookie.endSession(w)
	redirect(w, "/account")
}

// accountForm reads a form of the account page and proves that this page sent it.
func (p *Pages) accountForm(w http.ResponseWriter, r *http.Request) (session string, f form, ok bool) {
	if f, ok = p.readBody(w, r); !ok {
		return "", nil, false
	}
	session, ok = p.cookie.session(r)
	if !ok || !p.sameOrigin(r) || !hmac.Equal([]byte(f.value("csrf")), []byte(accountToken(session))) {
		p.fail(w, r, forgedProblem())
		return "", nil, false
	}
	return session, f, true
}

// accountToken binds a form to the session, and to this use of its secret.
func accountToken(session string) string {
	mac := hmac.New(sha256.New, []byte(session))
	mac.Write([]byte("account form"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
