package network

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"nidan/internal/account"
)

func TestANetworkIsReadAsTheGateComparesIt(t *testing.T) {
	for typed, want := range map[string]string{
		"203.0.113.7":             "203.0.113.7/32 whole",
		" 203.0.113.0/24 ":        "203.0.113.0/24 whole",
		"203.0.113.7/24":          "203.0.113.0/24 masked",
		"２０３.0.113.0/２４":          "203.0.113.0/24 whole",
		"2001:db8::1":             "2001:db8::1/128 whole",
		"2001:DB8:12::/48":        "2001:db8:12::/48 whole",
		"2001:db8:12::9/48":       "2001:db8:12::/48 masked",
		"::ffff:203.0.113.7":      "203.0.113.7/32 whole",
		"::ffff:203.0.113.7/120":  "203.0.113.0/24 masked",
		"::ffff:203.0.113.0/80":   "network.mapped",
		"0.0.0.0/0":               "network.everything",
		"::/0":                    "network.everything",
		"::ffff:0.0.0.0/96":       "network.everything",
		"203.0.113.0/33":          "network.shape",
		"203.0.113.0/-1":          "network.shape",
		"203.0.113.0/024":         "network.shape",
		"203.0.113.0/+24":         "network.shape",
		"203.0.113.0/":            "network.shape",
		"203.0.113":               "network.shape",
		"203.0.113.007":           "network.shape",
		"fe80::1%eth0":            "network.shape",
		"fe80::%eth0/64":          "network.shape",
		"2001:db8::/129":          "network.shape",
		"office.example":          "network.shape",
		"203.0.113.0/24,10.0.0.1": "network.shape",
		"":                        "network.shape",
	} {
		got, why := Parse(typed)
		text := string(why)
		if why == "" {
			text = got.Prefix.String() + " " + map[bool]string{true: "masked", false: "whole"}[got.Masked]
			if got.Prefix != got.Prefix.Masked() || got.Prefix.Addr().Is4In6() {
				t.Errorf("%q: %s is not canonical", typed, got.Prefix)
			}
		}
		if text != want {
			t.Errorf("%q is %s, wanted %s", typed, text, want)
		}
	}
}

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

func leader(id string, checked bool, seen ...string) Leader {
	return Leader{ID: id, Checked: checked, Seen: prefixes(seen...)}
}

func TestWhomAChangeShutsOut(t *testing.T) {
	office, home := "203.0.113.0/24", "198.51.100.7/32"
	at := func(text string) netip.Addr { return netip.MustParseAddr(text) }
	for _, c := range []struct {
		name  string
		after After
		want  string
	}{
		{"no check is on", After{Client: at("198.51.100.7"), Leaders: []Leader{leader("me", false, home)}}, ""},
		{"inside", After{Permitted: prefixes(office), Checked: true, Client: at("203.0.113.9"), Leaders: []Leader{leader("me", true)}}, ""},
		{"outside", After{Permitted: prefixes(office), Checked: true, Client: at("198.51.100.7"), Leaders: []Leader{leader("me", true, home)}}, "self-leaders"},
		{"outside, and a colleague was inside", After{Permitted: prefixes(office), Checked: true, Client: at("198.51.100.7"),
			Leaders: []Leader{leader("me", true, home), leader("olga", true, home, "203.0.113.9/32")}}, "self"},
		{"outside, and an unchecked colleague was inside", After{Permitted: prefixes(office), Checked: true, Client: at("198.51.100.7"),
			Leaders: []Leader{leader("me", true, home), leader("olga", false, "203.0.113.9/32")}}, "self-leaders"},
		{"unchecked, and the checked one was outside", After{Permitted: prefixes(office), Client: at("198.51.100.7"),
			Leaders: []Leader{leader("me", false), leader("olga", true, home)}}, "leaders"},
		{"the checked one was never seen", After{Permitted: prefixes(office), Client: at("203.0.113.9"),
			Leaders: []Leader{leader("me", false), leader("olga", true)}}, "leaders"},
		{"no networks at all", After{Checked: true, Client: at("203.0.113.9"), Leaders: []Leader{leader("me", true, "203.0.113.9/32")}}, "self-leaders"},
		{"an IPv4 address in an IPv6 spelling", After{Permitted: prefixes(office), Checked: true, Client: at("::ffff:203.0.113.9"), Leaders: []Leader{leader("me", true)}}, ""},
		{"no address is in no network", After{Permitted: prefixes(office), Checked: true, Leaders: []Leader{leader("me", true)}}, "self-leaders"},
		{"seen in a network of which a part is permitted", After{Permitted: prefixes("2001:db8:1::7/128"), Client: at("203.0.113.9"),
			Leaders: []Leader{leader("me", false), leader("olga", true, "2001:db8:1::/64")}}, "leaders"},
		{"seen in a network that is permitted as a whole", After{Permitted: prefixes("2001:db8::/32"), Client: at("203.0.113.9"),
			Leaders: []Leader{leader("me", false), leader("olga", true, "2001:db8:1::/64")}}, ""},
	} {
		c.after.Self = "me"
		if got := ShutsOut(c.after).Key(); got != c.want {
			t.Errorf("%s: %q, wanted %q", c.name, got, c.want)
		}
	}
}

// What only opens is not asked about: a network more, or a check less, shuts nobody
// out who was not before.
func TestANetworkMoreOrACheckLessShutsNobodyOut(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 9))
	some := func() (list []netip.Prefix) {
		for range r.IntN(4) {
			list = append(list, netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(r.IntN(3)), byte(r.IntN(3)), 0, 0}), 8+8*r.IntN(2)).Masked())
		}
		return list
	}
	shut := 0
	for range 20_000 {
		a := After{Permitted: some(), Self: "0", Client: netip.AddrFrom4([4]byte{byte(r.IntN(3)), byte(r.IntN(3)), 0, 0})}
		for i := range 1 + r.IntN(3) {
			l := Leader{ID: fmt.Sprint(i), Checked: r.IntN(2) == 0}
			for _, p := range some() {
				l.Seen = append(l.Seen, netip.PrefixFrom(p.Addr(), 32))
			}
			a.Leaders = append(a.Leaders, l)
		}
		a.Checked = a.Leaders[0].Checked
		before := ShutsOut(a)
		if before.Any() {
			shut++
		}
		more := a
		more.Permitted = append(prefixes("0.0.0.0/8"), a.Permitted...)
		if after := ShutsOut(more); after.Self && !before.Self || after.Leaders && !before.Leaders {
			t.Fatalf("one network more: %+v, and before %+v", after, before)
		}
		a.Checked, a.Leaders[0].Checked = false, false
		if ShutsOut(a).Self {
			t.Fatalf("shut out without a check: %+v", a)
		}
	}
	if shut < 1000 {
		t.Errorf("only %d of these shut anybody out", shut)
	}
}

func TestNetworksThatOverlapAreFound(t *testing.T) {
	list := []account.Network{{Written: "gone"}, {Prefix: netip.MustParsePrefix("203.0.113.0/24")}, {Prefix: netip.MustParsePrefix("2001:db8::/32")}}
	for text, want := range map[string]string{"203.0.113.7/32": "203.0.113.0/24", "203.0.0.0/16": "203.0.113.0/24", "2001:db8:1::/48": "2001:db8::/32",
		"198.51.100.0/24": "", "2001:db9::/32": ""} {
		other, found := Overlap(list, netip.MustParsePrefix(text))
		if found != (want != "") || found && other.Prefix.String() != want {
			t.Errorf("%s: %v", text, other)
		}
	}
}
