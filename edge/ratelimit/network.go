package ratelimit

import (
	"encoding/binary"
	"net/netip"
)

// Network is what an address is counted by: two addresses of the same source have equal ones. The zero value is none.
type Network struct {
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

// SourceOf returns the narrowest network of an address, which counts as one source: what one machine can take addresses
// of. It is zero for an invalid address.
func SourceOf(addr netip.Addr) Network {
	source, _ := networksOf(addr)
	return source
}

// networksOf returns the networks of an address, from narrow to wide: for IPv4 the address, for IPv6 the /64, which is the
// least that one machine gets and may take any address of, and the /48, which is what one line or one account gets and
// may take any /64 of. An IPv4 address that was translated on its way to an IPv6 network (RFC 6052) counts as what it was:
// all of them are in one /64.
func networksOf(addr netip.Addr) (narrow, wide Network) {
	addr = addr.Unmap()
	b := addr.As16()
	switch {
	case addr.Is4(), isTranslated(b):
		return Network{uint64(binary.BigEndian.Uint32(b[12:])), ipv4Host}, Network{}
	case addr.Is6():
		prefix := binary.BigEndian.Uint64(b[:8])
		return Network{prefix, ipv6Subnet}, Network{prefix >> 16, ipv6Site}
	default:
		return Network{}, Network{}
	}
}

// isTranslated tells whether an address has the well-known prefix 64:ff9b::/96 of RFC 6052 section 2.1.
func isTranslated(b [16]byte) bool { return [12]byte(b[:12]) == [12]byte{0x00, 0x64, 0xff, 0x9b} }
