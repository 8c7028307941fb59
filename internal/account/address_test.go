package account

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestAnAddressHasOneKey(t *testing.T) {
	long := strings.Repeat("a", 254-len("@example.jp"))
	for typed, want := range map[string]string{
		"suzuki@example.jp":           "suzuki@example.jp",
		"Suzuki@EXAMPLE.JP":           "suzuki@example.jp",
		"  suzuki@example.jp\t":       "suzuki@example.jp",
		"　suzuki@example.jp　":         "suzuki@example.jp", // ideographic blanks
		"ｓｕｚｕｋｉ＠ｅｘａｍｐｌｅ．ｊｐ":           "suzuki@example.jp",
		"ﾔﾏﾀﾞ@example.jp":             "ヤマダ@example.jp",
		"suzuki+nidan@example.jp":     "suzuki+nidan@example.jp",
		"o'brien_1-2.x@example.co.jp": "o'brien_1-2.x@example.co.jp",
		"鈴木@例え.jp":                    "鈴木@例え.jp",
		"e\u0301@example.jp":          "é@example.jp",
		"H\u0331@example.jp":          "\u1e96@example.jp", // h with a line below: only the small one is one character
		long + "@example.jp":          long + "@example.jp",

		"":                                   "",
		" ":                                  "",
		"suzuki":                             "",
		"@example.jp":                        "",
		"suzuki@":                            "",
		"suzuki@@example.jp":                 "",
		"a@b@example.jp":                     "",
		".suzuki@example.jp":                 "",
		"suzuki.@example.jp":                 "",
		"suz..uki@example.jp":                "",
		"suz uki@example.jp":                 "",
		"suz\u00a0uki@example.jp":            "",
		"suz　uki@example.jp":                 "",
		"suzuki@exam ple.jp":                 "",
		"suzuki@example.jp,mori@example.jp":  "",
		"suzuki@example.jp，mori@example.jp":  "", // a full-width comma
		"suzuki@example.jp;mori@example.jp":  "",
		"suzu,ki@example.jp":                 "",
		"suzuki@example.jp\nBcc: x@evil.jp":  "",
		"suzuki@example.jp\r\nBcc:x@evil.jp": "",
		"suzu\nki@example.jp":                "",
		"suzu\u2028ki@example.jp":            "",
		"suzu\x00ki@example.jp":              "",
		"suzuki@example.jp\x7f":              "",
		"suzuki\u00ad@example.jp":            "", // what nobody sees
		"suz\u200buki@example.jp":            "",
		"suzuki@\u202eexample.jp":            "",
		"Suzuki <suzuki@example.jp>":         "",
		"<suzuki@example.jp>":                "",
		"suzuki@example.jp (Ichiro)":         "",
		"(Ichiro)suzuki@example.jp":          "",
		`"suzuki"@example.jp`:                "",
		`"su zu"@example.jp`:                 "",
		"＂suzuki＂@example.jp":                "",
		"mailto:suzuki@example.jp":           "",
		"suzuki@example.jp\xff":              "",
		"a" + long + "@example.jp":           "",
	} {
		if got := Key(typed); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}

func TestLettersThatLookAlikeStayApart(t *testing.T) {
	seen := map[string]string{}
	for _, address := range []string{
		"admin@example.jp", "аdmin@example.jp" /* Cyrillic */, "αdmin@example.jp" /* Greek */, "ａdmin@exаmple.jp",
		"adm1n@example.jp", "admın@example.jp" /* no dot */, "admin@examp1e.jp", "ádmin@example.jp", "admin@example.jpn",
	} {
		key := Key(address)
		if other, ok := seen[key]; ok || key == "" {
			t.Errorf("%q has the key %q, as has %q", address, key, other)
		}
		seen[key] = address
	}
}

// What is looked up, counted and digested must not depend on how often it was made canonical.
func TestAKeyIsItsOwnKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typed := rapid.StringOfN(rapid.Rune(), 1, 8, -1).Draw(t, "local") + "@" +
			rapid.StringOfN(rapid.Rune(), 0, 3, -1).Draw(t, "domain") + "example.jp"
		key := Key(typed)
		if key != "" && (Key(key) != key || strings.Count(key, "@") != 1 || strings.ContainsAny(key, " \r\n,;<>\"")) {
			t.Errorf("%q has the key %q, and that %q", typed, key, Key(key))
		}
		if name := NameKey(typed); NameKey(name) != name {
			t.Errorf("%q is the name %q, and that %q", typed, name, NameKey(name))
		}
		if phone := PhoneKey(typed); PhoneKey(phone) != phone {
			t.Errorf("%q is the phone %q", typed, phone)
		}
	})
}

func TestAPhoneIsItsDigits(t *testing.T) {
	for typed, want := range map[string]string{
		"09013592468": "09013592468", "090-1359-2468": "09013592468", "+81 90 1359 2468": "819013592468",
		"０９０－１３５９－２４６８": "09013592468", "(03) 9753/8642": "0397538642", "": "", "none": "", "٠٩٠": "",
	} {
		if got := PhoneKey(typed); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}

func TestANameIsTheSameHoweverItIsSpacedAndWritten(t *testing.T) {
	for _, names := range [][]string{
		{"山田太郎", "山田 太郎", "山田　太郎", " 山田太郎 "},
		{"Ichiro Suzuki", "ICHIRO SUZUKI", "ichirosuzuki", "Ｉｃｈｉｒｏ　Ｓｕｚｕｋｉ", "Ichiro\u00a0Suzuki"},
		{"ヤマダ タロウ", "ﾔﾏﾀﾞ ﾀﾛｳ"},
		{"José", "Jose\u0301", "JOSÉ"},
	} {
		for _, name := range names {
			if got := NameKey(name); got != NameKey(names[0]) {
				t.Errorf("%q is %q, and %q is %q", name, got, names[0], NameKey(names[0]))
			}
		}
	}
	if NameKey("山田太郎") == NameKey("山田次郎") || NameKey("Jose") == NameKey("José") {
		t.Error("two names are one")
	}
}

func TestSomebodyIsIdentifiedWhenAllThreeAreEqualToTheRecord(t *testing.T) {
	record := Account{EmailKey: "suzuki@example.jp", Name: "鈴木 一郎", Phone: "09013592468"}
	blank := record
	blank.Name, blank.Phone = " ", "-"
	nameless := record
	nameless.Name = "　"
	phoneless := record
	phoneless.Phone = "無し"
	for _, c := range []struct {
		about              string
		record             Account
		email, name, phone string
		want               bool
	}{
		{"as recorded", record, "suzuki@example.jp", "鈴木 一郎", "09013592468", true},
		{"as people write", record, " SUZUKI＠example.jp", "鈴木一郎", "090-1359-2468", true},
		{"another address", record, "suzuki2@example.jp", "鈴木一郎", "09013592468", false},
		{"no address", record, "", "鈴木一郎", "09013592468", false},
		{"another name", record, "suzuki@example.jp", "鈴木二郎", "09013592468", false},
		{"no name", record, "suzuki@example.jp", "", "09013592468", false},
		{"another phone", record, "suzuki@example.jp", "鈴木一郎", "09013592469", false},
		{"no phone", record, "suzuki@example.jp", "鈴木一郎", "", false},
		{"a part of the phone", record, "suzuki@example.jp", "鈴木一郎", "13592468", false},
		{"an empty record, nothing typed", Account{}, "", "", "", false},
		{"a record without address", Account{Name: "鈴木", Phone: "090"}, "", "鈴木", "090", false},
		{"a record with a blank name, nothing typed", nameless, "suzuki@example.jp", "", "09013592468", false},
		{"a record with a phone of no digits, nothing typed", phoneless, "suzuki@example.jp", "鈴木一郎", "", false},
		{"a record of blanks, typed as recorded", blank, "suzuki@example.jp", " ", "-", false},
	} {
		t.Run(c.about, func(t *testing.T) {
			if got := c.record.Identified(c.email, c.name, c.phone); got != c.want {
				t.Errorf("identified %t", got)
			}
		})
	}
}

func TestAMaskShowsHowAnAddressBeginsAndEnds(t *testing.T) {
	for email, want := range map[string]string{
		"hanako@example.com": "h…o@example.com", "abc@example.com": "a…c@example.com", "ab@example.com": "a…@example.com",
		"a@example.com": "a…@example.com", "鈴木一郎@例え.jp": "鈴…郎@例え.jp", "": "…", "no address": "…", "@example.com": "…",
	} {
		if got := Mask(email); got != want {
			t.Errorf("%q: %q, want %q", email, got, want)
		}
	}
}

func compare(t *testing.T, golden, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the answers changed (-golden +now):\n%s", diff)
	}
}

func said(why Why) string {
	if why == "" {
		return "may"
	}
	return string(why)
}

func shown(name string) string {
	if name == "" {
		return "nothing"
	}
	return name
}

var (
	authorities = []Authority{"", GeneralUser, PortalAdmin, "root"}
	methods     = []Method{"", TOTP, MailOTP, "sms"}
)

// product.md 4.1 and 4.3, every combination.
func TestWhoMayChooseAndSetWhichMethodIsAsInTheGoldenFile(t *testing.T) {
	var got strings.Builder
	got.WriteString("In the own set-up: who, what is assigned, what is wanted\n")
	for _, authority := range authorities {
		for _, assigned := range methods {
			for _, wanted := range methods {
				why := Choose(authority, assigned, wanted)
				fmt.Fprintf(&got, "  %-12s  %-7s  %-7s  %s\n", shown(string(authority)), shown(string(assigned)), shown(string(wanted)), said(why))
				known := wanted == TOTP || wanted == MailOTP
				want := known && (authority == PortalAdmin || authority == GeneralUser && wanted == assigned)
				if (why == "") != want {
					t.Errorf("%s, assigned %s, wants %s: %q", authority, assigned, wanted, why)
				}
			}
		}
	}
	governs(t, &got)
	got.WriteString("\nA Portal Admin who becomes a General User: what is assigned, whether it is kept\n")
	for _, assigned := range methods {
		for _, keep := range []bool{false, true} {
			method := Demoted(assigned, keep)
			fmt.Fprintf(&got, "  %-7s  %-5t  %s\n", shown(string(assigned)), keep, method)
			if (method == MailOTP) != (keep && assigned == MailOTP) || method != MailOTP && method != TOTP {
				t.Errorf("%s, kept %t: %q", assigned, keep, method)
			}
		}
	}
	compare(t, "testdata/governance.golden", got.String())
}

func governs(t *testing.T, got *strings.Builder) {
	t.Helper()
	got.WriteString("\nFor an account: who, whose, what is wanted, whether his own mailbox answered\n")
	targets := []struct {
		name string
		ref  Ref
	}{
		{"himself", Ref{"yamada", "suzuki"}}, {"a colleague", Ref{"yamada", "tanaka"}},
		{"the same id elsewhere", Ref{"aoba", "suzuki"}}, {"another company's", Ref{"aoba", "abe"}}, {"nobody", Ref{}},
	}
	for _, operator := range []bool{false, true} {
		for _, authority := range authorities {
			for _, target := range targets {
				for _, wanted := range methods {
					for _, proved := range []bool{false, true} {
						actor := Actor{Ref: Ref{"yamada", "suzuki"}, Authority: authority, Operator: operator}
						why := Govern(actor, target.ref, wanted, proved)
						by := shown(string(authority))
						if operator {
							by += ", operator"
						}
						fmt.Fprintf(got, "  %-22s  %-21s  %-7s  %-5t  %s\n", by, target.name, shown(string(wanted)), proved, said(why))
						may := !operator && authority == PortalAdmin && target.ref.Organization == "yamada" &&
							(wanted == TOTP || wanted == MailOTP && (proved || target.name != "himself"))
						if (why == "") != may {
							t.Errorf("%s for %s to %s: %q", by, target.name, wanted, why)
						}
					}
				}
			}
		}
	}
}

func TestTheZeroActorGovernsNobody(t *testing.T) {
	for _, actor := range []Actor{{}, {Authority: PortalAdmin}, {Ref: Ref{ID: "suzuki"}, Authority: PortalAdmin}, {Ref: Ref{Organization: "yamada"}, Authority: PortalAdmin}} {
		for _, target := range []Ref{{}, {"", "tanaka"}, {"yamada", "tanaka"}} {
			if why := Govern(actor, target, TOTP, true); why == "" {
				t.Errorf("%+v governs %+v", actor, target)
			}
		}
	}
}
