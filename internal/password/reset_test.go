package password

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
)

var noon = time.Date(2018, 3, 10, 3, 0, 0, 0, time.UTC)

func matches(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; look at it, then go test -update:\n%s", name, got)
	}
}

// Every way in which a password kept aside can go, at every instant that matters.
func TestAPasswordKeptAsideCountsWhenItMay(t *testing.T) {
	hours := func(h float64) time.Time {
		if h < 0 {
			return time.Time{}
		}
		return noon.Add(time.Duration(h * float64(time.Hour)))
	}
	name := func(h float64) string {
		if h < 0 {
			return "-"
		}
		return fmt.Sprintf("%gh", h)
	}
	instants := []struct {
		name string
		at   time.Time
	}{
		{"0h", noon}, {"2h", hours(2)}, {"24h-1us", hours(24).Add(-time.Microsecond)}, {"24h", hours(24)}, {"48h", hours(48)},
	}
	var b strings.Builder
	b.WriteString("# o: the old password counts and the new one waits; N: the new one counts; x: the old one counts for good\n")
	fmt.Fprintf(&b, "%-14s %-9s %-9s %-9s", "whose", "approved", "refused", "replaced")
	for _, i := range instants {
		fmt.Fprintf(&b, " %8s", i.name)
	}
	b.WriteString("\n")
	for _, admin := range []bool{false, true} {
		for _, approved := range []float64{-1, 2, 30} {
			for _, refused := range []float64{-1, 1, 26} {
				for _, replaced := range []float64{-1, 1, 26} {
					whose := "general user"
					if admin {
						whose = "portal admin"
					}
					fmt.Fprintf(&b, "%-14s %-9s %-9s %-9s", whose, name(approved), name(refused), name(replaced))
					for _, i := range instants {
						past := func(h float64) time.Time { // what has not happened yet is not known yet
							if at := hours(h); !at.After(i.at) {
								return at
							}
							return time.Time{}
						}
						a := Aside{ID: "a", Hash: "new", Set: noon, WaitsUntil: hours(24), NeedsApproval: admin,
							Approved: past(approved), Refused: past(refused), Replaced: past(replaced)}
						fmt.Fprintf(&b, " %8s", counting(i.at, a))
					}
					b.WriteString("\n")
				}
			}
		}
	}
	matches(t, "aside.golden", b.String())
}

func counting(now time.Time, a Aside) string {
	kept := Effective(now, Kept{Hash: "old", Weak: true}, a)
	switch {
	case kept == Kept{Hash: "new", ResetID: "a"} && !a.Waits(now):
		return "N"
	case kept == Kept{Hash: "old", Weak: true} && a.Waits(now):
		return "o"
	case kept == Kept{Hash: "old", Weak: true}:
		return "x"
	}
	return fmt.Sprintf("%+v", kept)
}

func TestTheZeroAsideNeverCounts(t *testing.T) {
	for _, a := range []Aside{{}, {ID: "a"}, {ID: "a", Hash: "new"}, {Hash: "new", WaitsUntil: noon}, {ID: "a", WaitsUntil: noon}} {
		if kept := Effective(noon.AddDate(100, 0, 0), Kept{Hash: "old"}, a); kept.Hash != "old" {
			t.Errorf("%+v counts: %+v", a, kept)
		}
	}
	if (Aside{}).Waits(noon) {
		t.Error("nothing waits")
	}
}

func TestANewPasswordWaitsWhereverACodeMayBeMailed(t *testing.T) {
	until := noon.Add(24 * time.Hour)
	for _, c := range []struct {
		assigned      account.Method
		totp, mailotp bool
		authority     account.Authority
		want          Effect
		least         int
	}{
		{account.TOTP, false, false, account.GeneralUser, Effect{}, 15},
		{account.TOTP, true, false, account.GeneralUser, Effect{}, 8},
		{account.TOTP, true, false, account.PortalAdmin, Effect{}, 8},
		{account.TOTP, true, true, account.GeneralUser, Effect{}, 8},
		{account.TOTP, false, true, account.GeneralUser, Effect{true, until, false}, 8},
		{account.TOTP, false, true, account.PortalAdmin, Effect{true, until, true}, 8},
		{account.MailOTP, false, true, account.GeneralUser, Effect{true, until, false}, 8},
		{account.MailOTP, false, false, account.GeneralUser, Effect{true, until, false}, 15},
		{account.MailOTP, true, false, account.GeneralUser, Effect{true, until, false}, 8},
		{account.MailOTP, true, true, account.PortalAdmin, Effect{true, until, true}, 8},
		{account.MailOTP, false, false, account.PortalAdmin, Effect{true, until, true}, 15},
	} {
		o := Owner{TOTP: c.totp, MailOTP: c.mailotp}
		o.Method, o.Authority = c.assigned, c.authority
		if got := o.Effect(noon); got != c.want {
			t.Errorf("%s assigned, totp %t, mailotp %t, %s: %+v, want %+v", c.assigned, c.totp, c.mailotp, c.authority, got, c.want)
		}
		if got := o.Least(); got != c.least {
			t.Errorf("%s assigned, totp %t, mailotp %t: at least %d, want %d", c.assigned, c.totp, c.mailotp, got, c.least)
		}
	}
}

func TestTheMailedWayIsOpenToAccountsThatStandAndHaveAPassword(t *testing.T) {
	whole := Owner{Standing: true, Has: true}
	whole.ID, whole.Email = "a", "taro@example.com"
	if !whole.Resettable() {
		t.Error("an account that stands and has a password cannot reset it")
	}
	for name, spoil := range map[string]func(*Owner){
		"nobody":                func(o *Owner) { *o = Owner{} },
		"suspended":             func(o *Owner) { o.Standing = false },
		"never had a password":  func(o *Owner) { o.Has = false },
		"address takes no mail": func(o *Owner) { o.Email = "Taro <taro@example.com>" },
	} {
		o := whole
		if spoil(&o); o.Resettable() {
			t.Errorf("%s: can reset", name)
		}
	}
}

func TestALinkIsOpenUntilAnythingEndsIt(t *testing.T) {
	fresh := Link{ID: "l", Expires: noon.Add(linkFor)}
	for _, c := range []struct {
		name string
		link func(*Link)
		now  time.Time
		want bool
	}{
		{"fresh", func(*Link) {}, noon, true},
		{"in its last instant", func(*Link) {}, noon.Add(linkFor - time.Microsecond), true},
		{"at its end", func(*Link) {}, noon.Add(linkFor), false},
		{"the zero link", func(l *Link) { *l = Link{} }, noon, false},
		{"used", func(l *Link) { l.Used = noon }, noon, false},
		{"replaced", func(l *Link) { l.Replaced = noon }, noon, false},
		{"refused", func(l *Link) { l.Refused = noon }, noon, false},
		{"overtaken by a change", func(l *Link) { l.Finished = noon }, noon, false},
	} {
		l := fresh
		if c.link(&l); l.Open(c.now) != c.want {
			t.Errorf("%s: open is %t", c.name, !c.want)
		}
	}
}

func TestAUsedLinkTellsWhatItLedTo(t *testing.T) {
	later := noon.Add(time.Minute)
	used := Link{ID: "l", Expires: noon.Add(linkFor), Used: noon}
	aside := Aside{ID: "l", WaitsUntil: noon.Add(asideFor)}
	approval := aside
	approval.NeedsApproval = true
	approved := approval
	approved.Approved = later
	for _, c := range []struct {
		name string
		link func(*Link)
		now  time.Time
		want Outcome
	}{
		{"at once", func(l *Link) { l.Finished = noon }, later, Counts},
		{"waits", func(l *Link) { l.Aside = aside }, later, Waits},
		{"needs an approval", func(l *Link) { l.Aside = approval }, later, Approval},
		{"approved", func(l *Link) { l.Aside = approved }, later, Counts},
		{"refused", func(l *Link) { l.Aside, l.Refused = aside, later }, later, Void},
		{"replaced by a newer one", func(l *Link) { l.Aside, l.Replaced = aside, later }, later, Void},
		{"not used", func(l *Link) { l.Used = time.Time{} }, later, ""},
		{"long ago", func(l *Link) { l.Finished = noon }, noon.Add(linkFor), ""},
		{"unknown", func(l *Link) { *l = Link{} }, later, ""},
	} {
		l := used
		if c.link(&l); l.Outcome(c.now) != c.want {
			t.Errorf("%s: %q, want %q", c.name, l.Outcome(c.now), c.want)
		}
	}
}
