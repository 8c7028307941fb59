package password

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/organization"
)

// product.md 4.7: who may answer a password that waits, every combination.
func TestWhoMayAnswerAPasswordThatWaitsIsAsInTheGoldenFile(t *testing.T) {
	now := time.Date(2018, 3, 10, 12, 0, 0, 0, time.UTC)
	ref := func(id string) account.Ref { return account.Ref{Organization: "aozora", ID: id} }
	two := func(r account.Ref, a account.Authority) act.Who {
		return act.Who{Ref: r, Authority: a, Standing: act.TwoSteps, FreshCode: true}
	}
	one := two(ref("other"), account.PortalAdmin)
	one.Standing, one.FreshCode, one.FreshPassword = act.OneStep, false, true
	stale := two(ref("other"), account.PortalAdmin)
	stale.FreshCode = false
	visitors := []struct {
		name string
		act.Who
	}{
		{"a stranger", act.Who{}}, {"a General User", two(ref("user"), account.GeneralUser)},
		{"himself", two(ref("owner"), account.PortalAdmin)}, {"another Portal Admin", two(ref("other"), account.PortalAdmin)},
		{"without a fresh code", stale}, {"by one step", one},
		{"of another organization", two(account.Ref{Organization: "brennhof", ID: "other"}, account.PortalAdmin)},
		{"an operator", two(account.Ref{Organization: organization.Operators, ID: "olga"}, "")},
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-24s %-13s %-10s %-13s %-8s %s\n", "who", "whose", "others", "set", "reply", "answer")
	for _, v := range visitors {
		for _, authority := range []account.Authority{account.GeneralUser, account.PortalAdmin} {
			for _, able := range []bool{false, true} {
				for _, ago := range []time.Duration{24*time.Hour - time.Microsecond, 24 * time.Hour} {
					for _, reply := range []Reply{Yes, No, ""} {
						w := Waiting{Aside: Aside{ID: "r", Set: now.Add(-ago), WaitsUntil: now.Add(24*time.Hour - ago), NeedsApproval: authority == account.PortalAdmin}}
						w.Ref, w.Authority, w.Standing, w.MailOTP = ref("owner"), authority, true, true
						w.admins = []account.Admin{{Account: account.Account{Ref: ref("other"), Authority: account.PortalAdmin}, Proved: able},
							{Account: account.Account{Ref: ref("owner"), Authority: authority}, Proved: true}}
						why := MayAnswer(now, v.Who, w, "r", reply)
						said := string(why)
						if why == WhyAct {
							said = w.may(v.Who).String()
						}
						if why == "" {
							said = "is done"
						}
						others := map[bool]string{true: "able", false: "none able"}[able]
						fmt.Fprintf(&b, "%-24s %-13s %-10s %-13s %-8s %s\n", v.name, authority, others, map[bool]string{true: "24h ago", false: "24h-1us ago"}[ago == 24*time.Hour], shownReply(reply), said)
						if other := MayAnswer(now, v.Who, w, "another", reply); why == "" && other != WhyMeanwhile {
							t.Errorf("%s answers another one than the page showed: %q", v.name, other)
						}
					}
				}
			}
		}
	}
	matches(t, "answer.golden", b.String())
	if MayAnswer(now, visitors[3].Who, Waiting{}, "", Yes) != WhyGone {
		t.Error("the zero Waiting is answered")
	}
}

func shownReply(r Reply) string {
	if r == "" {
		return "nothing"
	}
	return string(r)
}
