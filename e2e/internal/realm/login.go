package realm

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
)

// loginPage has the names and the shape of Keycloak's own form.
var loginPage = template.Must(template.New("login").Parse(`<!DOCTYPE html><html lang="en"><title>Sign in</title>
<h1>Sign in to your account</h1>{{with .Failure}}<p id="input-error">{{.}}</p>{{end}}
<form id="kc-form-login" action="{{.Action}}" method="post">
<input id="username" name="username" autocomplete="username">
<input id="password" name="password" type="password" autocomplete="current-password">
<button name="login" id="kc-login" type="submit">Sign In</button></form></html>
`))

// authorize checks an authorization request and shows the login form.
func (r *Realm) authorize(w http.ResponseWriter, req *http.Request) {
	query := req.URL.Query()
	if query.Get("client_id") != r.config.ClientID || query.Get("redirect_uri") != r.config.RedirectURI {
		http.Error(w, "Invalid parameter: client_id or redirect_uri", http.StatusBadRequest)
		return
	}
	if query.Get("response_type") != "code" || query.Get("code_challenge_method") != "S256" ||
		len(query.Get("code_challenge")) != 43 {
		http.Error(w, "Missing parameter: code_challenge_method", http.StatusBadRequest)
		return
	}
	session := r.random("provider session code")
	r.mu.Lock()
	r.logins[session] = authorization{
		redirectURI: query.Get("redirect_uri"),
		state:       query.Get("state"),
		nonce:       query.Get("nonce"),
		challenge:   query.Get("code_challenge"),
		scope:       query.Get("scope"),
	}
	r.mu.Unlock()
	r.showLogin(w, session, "")
}

// authenticate takes the login form and sends the user back with a code.
func (r *Realm) authenticate(w http.ResponseWriter, req *http.Request) {
	sessionCode := req.URL.Query().Get("session_code")
	r.mu.Lock()
	pending, ok := r.logins[sessionCode]
	r.mu.Unlock()
	if !ok {
		http.Error(w, "Your login attempt timed out.", http.StatusBadRequest)
		return
	}
	at := slices.IndexFunc(r.config.Users, func(u User) bool {
		return u.Username == req.PostFormValue("username") && u.Password == req.PostFormValue("password")
	})
	if at < 0 {
		r.showLogin(w, sessionCode, "Invalid username or password.")
		return
	}
	code := r.random("provider code")
	r.mu.Lock()
	delete(r.logins, sessionCode)
	r.codes[code] = login{authorization: pending, user: r.config.Users[at]}
	r.mu.Unlock()
	answer := url.Values{"code": {code}, "iss": {r.Issuer()}, "session_state": {"1"}}
	if pending.state != "" {
		answer.Set("state", pending.state)
	}
	http.Redirect(w, req, pending.redirectURI+"?"+answer.Encode(), http.StatusFound)
}

func (r *Realm) showLogin(w http.ResponseWriter, session, failure string) {
	w.Header().Set("Content-Type", "text/html;charset=utf-8")
	w.Header().Set("Referrer-Policy", "no-referrer")
	_ = loginPage.Execute(w, map[string]string{
		"Action":  "/realms/" + Name + "/login-actions/authenticate?session_code=" + session,
		"Failure": failure,
	})
}
