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
// may take any /64 of.
func networksOf(addr netip.Addr) (narrow, wide network) {
	addr = addr.Unmap()
	switch {
	case addr.Is4():
		b := addr.As4()
		return network{uint64(binary.BigEndian.Uint32(b[:])), ipv4Host}, network{}
	case addr.Is6():
		b := addr.As16()
		prefix := binary.BigEndian.Uint64(b[:8])
		return network{prefix, ipv6Subnet}, network{prefix >> 16, ipv6Site}
	default:
		return network{}, network{}
	}
}
