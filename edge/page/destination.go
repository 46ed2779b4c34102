package page

import (
	"net"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// destination is where the answer of a transaction goes. It is the headline of the consent page: a name can be claimed
// by anybody, but the answer goes to one place.
type destination struct {
	// Kind is web, loopback, private-use or unknown.
	Kind string
	// Lead, Main and Tail make up the address. Main is the part that says who owns it.
	Lead, Main, Tail string
}

func newDestination(address string, kind gatehousev1.GetConsentResponse_RedirectKind) destination {
	switch kind {
	case gatehousev1.GetConsentResponse_REDIRECT_KIND_WEB:
		return webDestination(address)
	case gatehousev1.GetConsentResponse_REDIRECT_KIND_LOOPBACK:
		host, port := splitPort(address)
		return destination{Kind: "loopback", Main: host, Tail: port}
	case gatehousev1.GetConsentResponse_REDIRECT_KIND_PRIVATE_USE:
		return destination{Kind: "private-use", Main: strings.TrimSuffix(address, ":"), Tail: ":"}
	default:
		return destination{Kind: "unknown", Main: address}
	}
}

// webDestination marks the registrable domain, so that login.example.com.evil.example reads as evil.example.
func webDestination(address string) destination {
	host, port := splitPort(address)
	host = asciiHost(host)
	d := destination{Kind: "web", Main: host, Tail: port}
	if domain, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		d.Lead, d.Main = strings.TrimSuffix(host, domain), domain
	}
	return d
}

// splitPort splits a port off, colon included. Brackets stay with an IPv6 address.
func splitPort(address string) (host, port string) {
	_, number, err := net.SplitHostPort(address)
	if err != nil {
		return address, ""
	}
	port = ":" + number
	return strings.TrimSuffix(address, port), port
}

// asciiHost returns the form of a host name that no look-alike letter can disguise (RFC 3492).
func asciiHost(host string) string {
	ascii, err := idna.Punycode.ToASCII(host)
	if err != nil {
		return host
	}
	return ascii
}
