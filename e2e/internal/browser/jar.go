package browser

import (
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
)

// jar treats loopback hosts as secure, as browsers do, and remembers every value that it was given.
type jar struct {
	cookies *cookiejar.Jar
	values  []string
}

func newJar() *jar {
	cookies, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // it has no error to return without options
	}
	return &jar{cookies: cookies}
}

func (j *jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	for _, cookie := range cookies {
		if cookie.Value != "" {
			j.values = append(j.values, cookie.Value)
		}
	}
	j.cookies.SetCookies(trusted(u), cookies)
}

func (j *jar) Cookies(u *url.URL) []*http.Cookie { return j.cookies.Cookies(trusted(u)) }

func trusted(u *url.URL) *url.URL {
	host := u.Hostname()
	ip := net.ParseIP(host)
	if u.Scheme != "http" || (host != "localhost" && (ip == nil || !ip.IsLoopback())) {
		return u
	}
	secure := *u
	secure.Scheme = "https"
	return &secure
}
