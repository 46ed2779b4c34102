package page

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// purpose keeps the cookies apart, by name and by value: none is accepted for another.
type purpose string

const (
	// pagePurpose marks the cookie that a rendered consent page sets. Its secret keys the CSRF token of the page's form.
	pagePurpose purpose = "page"
	// bindPurpose marks the cookie that only an approving POST sets. The callback needs its secret.
	bindPurpose purpose = "bind"
	// accountPurpose marks the cookie of a user who is signed in to the account page.
	accountPurpose purpose = "account"
)

const (
	// maxCookies bounds the flows that one browser has under way, for each purpose.
	maxCookies = 8
	// secretBytes is the length of a page secret.
	secretBytes = 32
	// maxSecret is the longest secret that the core accepts.
	maxSecret = 128
)

// cookieJar reads and writes the cookies of flows: one cookie of each purpose for each flow, so that several tabs never
// disturb one another. Values are "<purpose>.<seconds of issue>.<secret>". The time only tells which is the oldest: whether a flow
// still lives is decided by the core, whose settings say how long.
type cookieJar struct {
	secure bool
	random io.Reader
	now    func() time.Time
}

// name derives the name of a flow's cookie from the flow's own secret, the page handle or the provider's state. On https
// the prefix makes browsers refuse a cookie of that name from a sibling host (RFC 6265bis section 4.1.3.2).
func (j cookieJar) name(p purpose, flow string) string {
	digest := sha256.Sum256([]byte(string(p) + "|" + flow))
	return j.prefix(p) + base64.RawURLEncoding.EncodeToString(digest[:12])
}

func (j cookieJar) prefix(p purpose) string {
	prefix := "gatehouse-" + string(p) + "-"
	if j.secure {
		return "__Host-" + prefix
	}
	return prefix
}

// secret returns the secret of a flow's cookie. Two cookies of one name count as none: one of them was planted.
func (j cookieJar) secret(r *http.Request, p purpose, flow string) (string, bool) {
	found := r.CookiesNamed(j.name(p, flow))
	if len(found) != 1 {
		return "", false
	}
	_, secret, ok := parseCookie(p, found[0].Value)
	return secret, ok
}

// set writes a flow's cookie and removes the oldest of its purpose beyond maxCookies. The core decides when the flow ends;
// the cookie only goes with it.
func (j cookieJar) set(w http.ResponseWriter, r *http.Request, p purpose, flow, secret string, expire time.Time) {
	name := j.name(p, flow)
	for _, old := range j.surplus(r, p, name) {
		j.write(w, old, "", -1)
	}
	value := fmt.Sprintf("%s.%d.%s", p, j.now().Unix(), secret)
	j.write(w, name, value, max(1, int(expire.Sub(j.now()).Seconds())))
}

// clear removes a flow's cookie.
func (j cookieJar) clear(w http.ResponseWriter, p purpose, flow string) {
	j.write(w, j.name(p, flow), "", -1)
}

// newSecret returns a fresh page secret.
func (j cookieJar) newSecret() (string, error) {
	raw := make([]byte, secretBytes)
	if _, err := io.ReadFull(j.random, raw); err != nil {
		return "", fmt.Errorf("page: no randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

func (j cookieJar) write(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // not Secure on a loopback http issuer only
		Name:     name,
		Value:    value,
		Path:     "/",
		MaxAge:   maxAge,
		Secure:   j.secure,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	})
}

// surplus returns the cookies of a purpose that must go before one more is set: those that nobody can read, and the
// oldest of the rest. Browsers send older cookies first, which settles equal seconds.
func (j cookieJar) surplus(r *http.Request, p purpose, adding string) []string {
	type flow struct {
		name   string
		issued time.Time
	}
	var live []flow
	var names []string
	for _, c := range r.Cookies() {
		if !strings.HasPrefix(c.Name, j.prefix(p)) || c.Name == adding {
			continue
		}
		if issued, _, ok := parseCookie(p, c.Value); ok {
			live = append(live, flow{c.Name, issued})
		} else {
			names = append(names, c.Name)
		}
	}
	slices.SortStableFunc(live, func(a, b flow) int { return a.issued.Compare(b.issued) })
	for _, oldest := range live[:max(0, len(live)-(maxCookies-1))] {
		names = append(names, oldest.name)
	}
	return names
}

// parseCookie splits a cookie value. It fails for a value of another purpose.
func parseCookie(p purpose, value string) (issued time.Time, secret string, ok bool) {
	rest, ok := strings.CutPrefix(value, string(p)+".")
	if !ok {
		return time.Time{}, "", false
	}
	seconds, secret, ok := strings.Cut(rest, ".")
	if !ok || secret == "" || len(secret) > maxSecret {
		return time.Time{}, "", false
	}
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || unix <= 0 || strconv.FormatInt(unix, 10) != seconds {
		return time.Time{}, "", false
	}
	return time.Unix(unix, 0), secret, true
}
