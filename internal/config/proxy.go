package config

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// TrustedProxies are the networks of the proxies whose word about their client is
// taken. None: nobody's is.
type TrustedProxies []netip.Prefix

// String is the list as it is written in a setting.
func (t TrustedProxies) String() string {
	text := make([]string, len(t))
	for i, prefix := range t {
		text[i] = prefix.String()
	}
	return strings.Join(text, ", ")
}

// Client is the address a request comes from: the peer itself, unless it is a
// trusted proxy; then the right-most address of X-Forwarded-For that is not one.
// What stands further left was written by whoever is asking. remote is
// http.Request.RemoteAddr, forwarded all lines of the header in their order. The
// zero address means that the peer has none.
func (t TrustedProxies) Client(remote string, forwarded []string) netip.Addr {
	client, ok := parseHop(remote)
	if !ok || !t.trusts(client) {
		return client
	}
	hops := strings.Split(strings.Join(forwarded, ","), ",")
	for _, text := range slices.Backward(hops) {
		hop, ok := parseHop(text)
		if !ok {
			return client // the last one that a trusted proxy named in a readable way
		}
		client = hop
		if !t.trusts(hop) {
			return client
		}
	}
	return client
}

// Named says whether the peer of a request (http.Request.RemoteAddr) is one of the proxies.
func (t TrustedProxies) Named(remote string) bool {
	peer, ok := parseHop(remote)
	return ok && t.trusts(peer)
}

func (t TrustedProxies) trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(t, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// parseHop reads an address with or without a port, the same address always alike.
func parseHop(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if addrPort, err := netip.ParseAddrPort(text); err == nil {
		return addrPort.Addr().Unmap().WithZone(""), true
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	return addr.Unmap().WithZone(""), err == nil
}

func parseProxies(text string) (TrustedProxies, error) {
	var proxies TrustedProxies
	for _, item := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' }) {
		prefix, err := parsePrefix(item)
		if err != nil {
			return nil, err
		}
		proxies = append(proxies, prefix)
	}
	return proxies, nil
}

func parsePrefix(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		addr = addr.Unmap().WithZone("")
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil || prefix.Addr().Is4In6():
		return netip.Prefix{}, errors.New(rightProxies)
	case prefix.Bits() == 0:
		return netip.Prefix{}, fmt.Errorf("must name the proxies: %s is everybody, and everybody could claim any address", prefix)
	case prefix != prefix.Masked():
		return netip.Prefix{}, fmt.Errorf("must be a network: %s is an address in %s; leave out the /%d or write the network",
			prefix, prefix.Masked(), prefix.Bits())
	}
	return prefix, nil
}
