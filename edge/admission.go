package edge

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/gatehouse-auth/gatehouse/edge/forwarded"
	"github.com/gatehouse-auth/gatehouse/edge/ratelimit"
)

// Limits bound how often the surfaces that anybody can reach are used. Each is counted for itself.
type Limits struct {
	// Registration is POST /register.
	Registration Limit
	// Login is what opens a transaction: GET and POST /authorize, and the sign-in of the account page.
	Login Limit
	// Token is where clients authenticate: POST /token, /revoke and /introspect.
	Token Limit
}

// Limit bounds one surface. A zero value is no limit.
type Limit struct {
	// Source is for each address, Total for all together.
	Source, Total ratelimit.Limit
}

// admission decides who is served. Paths have one spelling by the time that a room asks it.
type admission struct {
	proxies forwarded.Proxies
	// local is true when only this machine can reach the issuer, and behind when https ends at a proxy that nobody named.
	local, behind bool

	registrations, logins, tokens *ratelimit.Limiter
}

func newAdmission(now func() time.Time, config Config, site *site) *admission {
	limiter := func(l Limit) *ratelimit.Limiter {
		return ratelimit.New(ratelimit.Config{Source: l.Source, Total: l.Total, Now: now})
	}
	return &admission{
		proxies:       config.TrustedProxies,
		local:         site.loopback,
		behind:        site.secure && len(config.TrustedProxies) == 0,
		registrations: limiter(config.Limits.Registration),
		logins:        limiter(config.Limits.Login),
		tokens:        limiter(config.Limits.Token),
	}
}

func (a *admission) registration(r *http.Request) time.Duration { return a.admit(a.registrations, r) }
func (a *admission) login(r *http.Request) time.Duration        { return a.admit(a.logins, r) }
func (a *admission) token(r *http.Request) time.Duration        { return a.admit(a.tokens, r) }

// admit counts a request for its source. Two kinds of addresses are no source:
//
// The programs of this machine, when nobody else can reach the server: there is nobody to protect from them.
//
// A proxy that nobody named. This server speaks no TLS, so behind an https issuer a peer on this machine or in a private
// network is such a proxy, and its address is that of everybody. Counting it as one source would let a single visitor use
// up the share of all; so only what all may do together is limited.
func (a *admission) admit(l *ratelimit.Limiter, r *http.Request) time.Duration {
	client := a.proxies.Client(r)
	switch {
	case a.local && (client == netip.AddrFrom4([4]byte{127, 0, 0, 1}) || client == netip.IPv6Loopback()):
		return 0
	case a.behind && isNearby(client):
		client = netip.Addr{}
	}
	return l.Admit(client)
}

// isMany tells whether a peer may stand for many visitors: a proxy that is named, or one that could be.
func (a *admission) isMany(peer netip.Addr) bool { return a.proxies.Trust(peer) || isNearby(peer) }

// isNearby tells whether an address is of this machine or of a network that is not the internet. The shared address space
// of RFC 6598 is such a network, too: clouds give it to pods, and overlays to their hosts.
func isNearby(addr netip.Addr) bool {
	shared := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, 0, 0}), 10)
	return addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast() || shared.Contains(addr)
}
