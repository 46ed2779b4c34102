package page

import (
	"net/http"
	"strings"
	"time"
)

// sessionName is the name of the one session cookie of a browser.
func (j cookieJar) sessionName() string { return strings.TrimSuffix(j.prefix(accountPurpose), "-") }

// session returns the secret of the session that this browser presents. Two cookies of the name count as none: one of
// them was planted.
func (j cookieJar) session(r *http.Request) (string, bool) {
	found := r.CookiesNamed(j.sessionName())
	if len(found) != 1 {
		return "", false
	}
	secret, ok := strings.CutPrefix(found[0].Value, string(accountPurpose)+".")
	return secret, ok && secret != "" && len(secret) <= maxSecret
}

func (j cookieJar) setSession(w http.ResponseWriter, secret string, expire time.Time) {
	j.write(w, j.sessionName(), string(accountPurpose)+"."+secret, max(1, int(expire.Sub(j.now()).Seconds())))
}

func (j cookieJar) endSession(w http.ResponseWriter) { j.write(w, j.sessionName(), "", -1) }
