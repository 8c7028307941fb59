package account

import (
	"net/netip"
	"testing"
)

func TestAnAddressIsPermittedByTheNetworksItIsIn(t *testing.T) {
	networks := []netip.Prefix{
		netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.7/32"), netip.MustParsePrefix("2001:db8:1::/48"),
	}
	for client, want := range map[string]bool{
		"192.0.2.0":              true,
		"192.0.2.255":            true,
		"192.0.3.0":              false,
		"192.0.1.255":            false,
		"198.51.100.7":           true,
		"198.51.100.6":           false,
		"::ffff:192.0.2.9":       true, // an IPv4 client of a socket for both
		"::ffff:192.0.3.9":       false,
		"::192.0.2.9":            false,
		"2001:db8:1:ffff::1":     true,
		"2001:db8:2::1":          false,
		"2001:db8:1:ffff::1%en0": false, // with a zone it is of another link
	} {
		if got := Permits(networks, netip.MustParseAddr(client)); got != want {
			t.Errorf("%s: %t", client, got)
		}
		if Permits(nil, netip.MustParseAddr(client)) {
			t.Errorf("no networks permit %s", client)
		}
	}
	if Permits(networks, netip.Addr{}) || Permits([]netip.Prefix{{}}, netip.MustParseAddr("192.0.2.1")) {
		t.Error("an unknown address or network is permitted")
	}
	everywhere := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}
	if Permits(everywhere, netip.MustParseAddr("2001:db8::1")) {
		t.Error("every IPv4 address permits an IPv6 one")
	}
}
