package forwarded

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func proxies() Proxies {
	return Proxies{
		netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"),
	}
}

func TestOnlyTrustedProxiesAreBelievedAboutTheClient(t *testing.T) {
	for _, tc := range []struct {
		name, peer string
		lines      []string
		want       string
	}{
		{"no proxy", "203.0.113.1:5", nil, "203.0.113.1"},
		{"forged by a client", "203.0.113.1:5", []string{"198.51.100.9"}, "203.0.113.1"},
		{"forged as a proxy", "203.0.113.1:5", []string{"127.0.0.1"}, "203.0.113.1"},
		{"one proxy", "127.0.0.1:5", []string{"203.0.113.1"}, "203.0.113.1"},
		{"forged to a proxy", "127.0.0.1:5", []string{"198.51.100.9, 203.0.113.1"}, "203.0.113.1"},
		{"forged proxy before the client", "127.0.0.1:5", []string{"198.51.100.9, 10.1.1.1, 203.0.113.1"}, "203.0.113.1"},
		{"chain of proxies", "127.0.0.1:5", []string{"198.51.100.9, 203.0.113.1, 10.2.2.2,10.1.1.1"}, "203.0.113.1"},
		{"chain on several lines", "127.0.0.1:5", []string{"198.51.100.9", "203.0.113.1", "10.1.1.1"}, "203.0.113.1"},
		{"only proxies", "127.0.0.1:5", []string{"10.2.2.2, 10.1.1.1"}, "10.2.2.2"},
		{"silent proxy", "127.0.0.1:5", nil, "127.0.0.1"},
		{"empty", "127.0.0.1:5", []string{""}, "127.0.0.1"},
		{"empty before the client", "127.0.0.1:5", []string{", 203.0.113.1"}, "203.0.113.1"},
		{"malformed", "127.0.0.1:5", []string{"203.0.113.1, unknown"}, "127.0.0.1"},
		{"malformed after a proxy", "127.0.0.1:5", []string{"203.0.113.1, _x, 10.1.1.1"}, "10.1.1.1"},
		{"malformed before the client", "127.0.0.1:5", []string{"<script>, 203.0.113.1"}, "203.0.113.1"},
		{"out of range", "127.0.0.1:5", []string{"203.0.113.256"}, "127.0.0.1"},
		{"with a port", "127.0.0.1:5", []string{"203.0.113.1:4711"}, "203.0.113.1"},
		{"IPv6", "127.0.0.1:5", []string{"2001:db8::1"}, "2001:db8::1"},
		{"IPv6 in brackets", "127.0.0.1:5", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"IPv6 with a port", "127.0.0.1:5", []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		{"IPv6 with a zone", "127.0.0.1:5", []string{"fe80::1%eth0"}, "fe80::1"},
		{"IPv4 in brackets", "127.0.0.1:5", []string{"[203.0.113.1]"}, "127.0.0.1"},
		{"IPv4-mapped client", "127.0.0.1:5", []string{"::ffff:203.0.113.1"}, "203.0.113.1"},
		{"IPv4-mapped peer", "[::ffff:127.0.0.1]:5", []string{"203.0.113.1"}, "203.0.113.1"},
		{"IPv4-mapped proxy in the chain", "127.0.0.1:5", []string{"203.0.113.1, ::ffff:10.1.1.1"}, "203.0.113.1"},
		{"IPv6 proxy", "[fd00::1]:5", []string{"203.0.113.1"}, "203.0.113.1"},
		{"tabs and spaces", "127.0.0.1:5", []string{"x ,\t 203.0.113.1 \t"}, "203.0.113.1"},
		{"no peer", "@", []string{"203.0.113.1"}, "invalid IP"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: tc.peer, Header: http.Header{"X-Forwarded-For": tc.lines}}
			if got := proxies().Client(r).String(); got != tc.want {
				t.Errorf("client = %s, want %s", got, tc.want)
			}
		})
	}
}

func TestNobodyIsBelievedByDefault(t *testing.T) {
	r := &http.Request{RemoteAddr: "127.0.0.1:5", Header: http.Header{"X-Forwarded-For": {"203.0.113.1"}}}
	if got := (Proxies{}).Client(r).String(); got != "127.0.0.1" {
		t.Errorf("client = %s", got)
	}
}

// FuzzClient holds that a client behind a proxy is the address that the proxy wrote, whatever the client wrote before.
func FuzzClient(f *testing.F) {
	for _, seed := range []string{"", "203.0.113.1", "10.0.0.1, 127.0.0.1", "[::1]:5, unknown", "::ffff:10.0.0.1", "\n,,\"", "fe80::1%a,b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, forged string) {
		client := netip.MustParseAddr("203.0.113.7")
		peer := netip.MustParseAddr("127.0.0.1")
		for _, lines := range [][]string{{forged + ",203.0.113.7"}, {forged, " 203.0.113.7\t"}, {forged, "203.0.113.7:1, 10.0.0.1"}} {
			if got := proxies().client(peer, lines); got != client {
				t.Errorf("%q: client = %s", lines, got)
			}
		}
		alone := proxies().client(peer, []string{forged})
		if !alone.IsValid() || alone.Is4In6() || alone.Zone() != "" {
			t.Errorf("%q: client = %q", forged, alone)
		}
		if alone != peer && strings.Count(forged, ",") == 0 && !strings.Contains(forged, ".") && !strings.Contains(forged, ":") {
			t.Errorf("%q is no address, and the client is %s", forged, alone)
		}
	})
}
