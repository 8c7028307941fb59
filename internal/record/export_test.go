package record

import (
	"strings"
	"testing"
	"time"

	"nidan/internal/audit"
)

func TestALineOfTheCommonEventFormatIsEscapedAsItsReadersExpect(t *testing.T) {
	at := time.Date(2018, 3, 5, 1, 2, 3, 456_000_000, time.UTC)
	row := func(act, network string, detail map[string]string) Named {
		return Named{Row: audit.Row{Entry: audit.Entry{Chain: "org-1", Act: act, Actor: audit.Actor{Kind: audit.KindAccount, ID: "a-1"},
			Subject: "b-1", Network: network, Detail: detail}, Seq: 7, At: at, Digest: []byte{0xab}}, Organization: "A|B=C\\D", ActorEmail: "olga@a.example"}
	}
	for name, c := range map[string]struct {
		row  Named
		said string
		want string
	}{
		"bars and backslashes in the header": {row("account:method:changed", "203.0.113.7/32", nil), `a|b\c=d` + "\r\ne",
			`CEF:0|Nidan|Nidan|1|account:method:changed|a\|b\\c=d  e|4|rt=1520211723456 externalId=org-1/7 cat=account act=changed suid=a-1 suser=olga@a.example spriv=account duid=b-1 duser=b-1 src=203.0.113.7 cs1Label=Organization cs1=A|B\=C\\D cs3Label=Digest cs3=ab`},
		"equal signs, backslashes and line breaks in a value": {row("account:pass:given", "2001:db8::/64", map[string]string{"why": "1=2\\3\n| msg=x"}), "Pass",
			`CEF:0|Nidan|Nidan|1|account:pass:given|Pass|7|rt=1520211723456 externalId=org-1/7 cat=account act=given suid=a-1 suser=olga@a.example spriv=account duid=b-1 duser=b-1 c6a2Label=Source IPv6 Address c6a2=2001:db8:: cs1Label=Organization cs1=A|B\=C\\D cs2Label=Detail cs2={"why":"1\=2\\\\3\\n| msg\=x"} cs3Label=Digest cs3=ab`},
		"nobody and nowhere": {Named{Row: audit.Row{Entry: audit.Entry{Chain: "operators", Act: "account:password:refused", Actor: audit.Actor{Kind: audit.KindStranger, ID: "-"}, Subject: "-"}, Seq: 1, At: at}}, "Wrong",
			`CEF:0|Nidan|Nidan|1|account:password:refused|Wrong|5|rt=1520211723456 externalId=operators/1 cat=account act=refused spriv=stranger cs1Label=Organization cs1=operators`},
	} {
		if got := c.row.CEF(c.said); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
	forged := row("account:person:added", "", map[string]string{"name": "x\r\nCEF:0|Evil|Evil|1|a|b|9|duser=y"})
	if line := forged.CEF("An account was added"); strings.ContainsAny(line, "\r\n") {
		t.Errorf("a value begins a line of its own: %q", line)
	}
}

func TestWhatIsRefusedOrOpensSomethingIsMoreSevere(t *testing.T) {
	for act, want := range map[string]int{"account:code:accepted": 2, "account:code:refused": 5, "account:reset:denied": 5, "account:second-step:void": 9,
		"portal:password:alarmed": 9, "portal:operator:added": 7, "account:person:deleted": 6, "account:method:changed": 4, "portal:heads:linked": 2} {
		if got := severity(act); got != want {
			t.Errorf("%s: %d, wanted %d", act, got, want)
		}
	}
}

func TestAnOutcomeIsReadFromTheRecord(t *testing.T) {
	for _, c := range []struct {
		act, name, value string
		want             Outcome
	}{
		{actPasswordWrong, "", "", WrongPassword}, {actCodeWrong, "door", "signin", WrongCode}, {actPass, "", "", PassUsed}, {actPassWrong, "", "", PassRefused},
		{actCode, "method", "totp", InByTOTP}, {actCode, "method", "mailotp", InByMailOTP}, {actPassword, "next", "admitted", InByOneStep},
		{actPassword, "next", "code", HalfWay}, {actPassword, "next", "set-up", HalfWay}, {actPassword, "next", "refused", TurnedAway},
		{actPassword, "next", "reset", TurnedAway}, {actPassword, "", "", TurnedAway}, {"account:person:added", "", "", ""},
	} {
		got := outcome(c.act, map[string]string{c.name: c.value})
		if got != c.want || got.In() && got.Refused() {
			t.Errorf("%s %s: %q, wanted %q", c.act, c.value, got, c.want)
		}
	}
}

func TestHoursAreLaidIntoDaysOfTheHouseZone(t *testing.T) {
	zone := time.FixedZone("JST", 9*60*60)
	now := time.Date(2018, 3, 5, 16, 30, 0, 0, time.UTC) // 6 March, 01:30 JST
	hour := func(day, hour int, n int64) Hour {
		return Hour{time.Date(2018, 3, day, hour, 0, 0, 0, time.UTC), Refused{Passwords: n}}
	}
	hours := []Hour{hour(4, 14, 1), hour(4, 15, 2), hour(5, 14, 4), hour(5, 15, 8), hour(5, 16, 16)}
	days := bars(hours, Span{2, false}, now, zone)
	if len(days) != 2 || days[0].Passwords != 6 || days[1].Passwords != 24 || !days[1].From.Equal(time.Date(2018, 3, 5, 15, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", days)
	}
	byHour := bars(hours, Span{1, true}, now, zone)
	if len(byHour) != 24 || byHour[23].Passwords != 16 || byHour[22].Passwords != 8 || byHour[0].Passwords != 0 {
		t.Errorf("%d: %+v", len(byHour), byHour)
	}
}
