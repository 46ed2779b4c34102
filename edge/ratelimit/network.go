package ratelimit

import (
	"encoding/binary"
	"net/netip"
)

// network is what an address is counted by. The zero value is none.
type network struct {
	prefix uint64
	kind   kind
}

// kind keeps networks of different sizes apart.
type kind uint8

const (
	ipv4Host kind = iota + 1
	ipv6Subnet
	ipv6Site
)

// networksOf returns the networks of an address, from narrow to wide: for IPv4 the address, for IPv6 the /64, which is the
// least that one machine gets and may take any address of, and the /48, which is what one line or one account gets and
// may take any /64 of. An IPv4 address that was translated on its way to an IPv6 network (RFC 6052) counts as what it was:
// all of them are in one /64.
func networksOf(addr netip.Addr) (narrow, wide network) {
	addr = addr.Unmap()
	b := addr.As16()
	switch {
	case addr.Is4(), isTranslated(b):
		return network{uint64(binary.BigEndian.Uint32(b[12:])), ipv4Host}, network{}
	case addr.Is6():
		prefix := binary.BigEndian.Uint64(b[:8])
		return network{prefix, ipv6Subnet}, network{prefix >> 16, ipv6Site}
	default:
		return network{}, network{}
	}
}

// isTranslated tells whether an address has the well-known prefix 64:ff9b::/96 of RFC 6052 section 2.1.
func isTranslated(b [16]byte) bool { return [12]byte(b[:12]) == [12]byte{0x00, 0x64, 0xff, 0x9b} }
