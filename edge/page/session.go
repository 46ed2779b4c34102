package page

import (
	"net/http"
	"strings"
	"time"
)

// sessionName is the name of the session cookie. A browser has one, other than the cookies of flows.
func (j cookieJar) sessionName() string { return strings.TrimSuffix(j.prefix(accountPurpose), "-") }

// session returns the secret of the session that this browser presents. Two cookies of the name count as none: one of
// them was planted.
func (j cookieJar) session(r *http.Request) (string, bool) {
	found := r.CookiesNamed(j.sessionName())
	if len(found) != 1 {
		return "", false
	}
	secret, ok := strings.CutPrefix(found[0].Value, string(accountPurpose)+".")
	if !ok || secret == "" || len(secret) > maxSecret {
		return "", false
	}
	return secret, true
}

// setSession writes the session cookie. The core decides when the session ends; the cookie only goes with it.
func (j cookieJar) setSession(w http.ResponseWriter, secret string, expire time.Time) {
	j.write(w, j.sessionName(), string(accountPurpose)+"."+secret, max(1, int(expire.Sub(j.now()).Seconds())))
}

func (j cookieJar) endSession(w http.ResponseWriter) { j.write(w, j.sessionName(), "", -1) }
