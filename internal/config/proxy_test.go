package config_test

import (
	"testing"
)

func TestTheClientIsTheRightmostAddressNoTrustedProxyHas(t *testing.T) {
	const proxies = "10.0.0.0/8, 2001:db8:1::/48, 192.0.2.9"
	cases := []struct {
		name, proxies, remote string
		forwarded             []string
		want                  string
	}{
		{"nobody is trusted", "", "203.0.113.5:4711", []string{"198.51.100.1"}, "203.0.113.5"},
		{"an empty list trusts not even the machine itself", "", "127.0.0.1:4711", []string{"198.51.100.1"}, "127.0.0.1"},
		{"the peer is no proxy", proxies, "203.0.113.5:4711", []string{"198.51.100.1"}, "203.0.113.5"},
		{"one proxy", proxies, "10.0.0.7:4711", []string{"198.51.100.1"}, "198.51.100.1"},
		{"two proxies", proxies, "10.0.0.7:4711", []string{"198.51.100.1, 192.0.2.9"}, "198.51.100.1"},
		{"the client lied in front", proxies, "10.0.0.7:4711", []string{"1.2.3.4, 198.51.100.1"}, "198.51.100.1"},
		{"the client lied with a proxy's address", proxies, "10.0.0.7:4711", []string{"10.0.0.8, 198.51.100.1"}, "198.51.100.1"},
		{"several header lines are one list", proxies, "10.0.0.7:4711", []string{"1.2.3.4", "198.51.100.1, 10.0.0.8"}, "198.51.100.1"},
		{"no header", proxies, "10.0.0.7:4711", nil, "10.0.0.7"},
		{"an empty header", proxies, "10.0.0.7:4711", []string{""}, "10.0.0.7"},
		{"all are proxies", proxies, "10.0.0.7:4711", []string{"10.0.0.9, 10.0.0.8"}, "10.0.0.9"},
		{"what cannot be read ends the walk", proxies, "10.0.0.7:4711", []string{"198.51.100.1, unknown, 10.0.0.8"}, "10.0.0.8"},
		{"with a port", proxies, "10.0.0.7:4711", []string{"198.51.100.1:5000"}, "198.51.100.1"},
		{"IPv6", proxies, "[2001:db8:1::7]:4711", []string{"2001:db8:2::1"}, "2001:db8:2::1"},
		{"IPv6 in brackets with a port", proxies, "[2001:db8:1::7]:4711", []string{"[2001:db8:2::1]:5000"}, "2001:db8:2::1"},
		{"IPv6 in brackets", proxies, "[2001:db8:1::7]:4711", []string{"[2001:db8:2::1]"}, "2001:db8:2::1"},
		{"an IPv4 proxy on an IPv6 socket", proxies, "[::ffff:10.0.0.7]:4711", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"a zone is no part of who it is", proxies, "[fe80::1%eth0]:4711", nil, "fe80::1"},
		{"a socket without an address", proxies, "@", []string{"198.51.100.1"}, "invalid IP"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			trusted := load(t, "", "NIDAN_TRUSTED_PROXIES="+c.proxies).TrustedProxies
			if got := trusted.Client(c.remote, c.forwarded).String(); got != c.want {
				t.Errorf("the client is %s, want %s", got, c.want)
			}
		})
	}
}
