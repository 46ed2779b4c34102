// Package forwarded finds the address of a client behind reverse proxies. The address is used to tell clients apart, and for
// nothing else: no URL is ever made of what a proxy forwards.
package forwarded

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// header lists the addresses that a request has come through, the nearest last.
const header = "X-Forwarded-For"

// Proxies are the networks whose word about the client counts.
type Proxies []netip.Prefix

// Client returns the address of the client: that of the peer, unless the peer is a trusted proxy. Then the header is read
// from right to left, past trusted proxies, for each of them vouches for the entry that it has added and for nothing
// before it (RFC 7239 section 8.1). Where an entry is no address, the last trustworthy one stands. The address is invalid
// when the peer has none.
func (p Proxies) Client(r *http.Request) netip.Addr {
	return p.client(Peer(r.RemoteAddr), r.Header.Values(header))
}

// Peer returns the address of the other end of a connection, from its address with a port. It is invalid when there is none.
func Peer(remote string) netip.Addr {
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return plain(peer.Addr())
}

func (p Proxies) client(addr netip.Addr, lines []string) netip.Addr {
	for _, line := range slices.Backward(lines) {
		for more := true; more; {
			if !p.Trust(addr) {
				return addr
			}
			var entry string
			line, entry, more = cutLast(line)
			next, ok := parse(entry)
			if !ok {
				return addr
			}
			addr = next
		}
	}
	return addr
}

// Trust tells whether an address is that of a trusted proxy.
func (p Proxies) Trust(addr netip.Addr) bool {
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(addr) })
}

// cutLast takes the last element off a list.
func cutLast(line string) (rest, last string, more bool) {
	i := strings.LastIndexByte(line, ',')
	if i < 0 {
		return "", line, false
	}
	return line[:i], line[i+1:], true
}

// parse reads an address in the spellings of common proxies: with a port or without, IPv6 in brackets or bare.
func parse(entry string) (netip.Addr, bool) {
	entry = strings.Trim(entry, " \t")
	if addr, err := netip.ParseAddr(entry); err == nil {
		return plain(addr), true
	}
	if with, err := netip.ParseAddrPort(entry); err == nil {
		return plain(with.Addr()), true
	}
	inner, isOpen := strings.CutPrefix(entry, "[")
	inner, isClosed := strings.CutSuffix(inner, "]")
	addr, err := netip.ParseAddr(inner)
	if !isOpen || !isClosed || err != nil || !addr.Is6() {
		return netip.Addr{}, false
	}
	return plain(addr), true
}

// plain returns an address in its one spelling: IPv4-mapped IPv6 is IPv4, and a zone means nothing to other machines.
func plain(addr netip.Addr) netip.Addr { return addr.WithZone("").Unmap() }
