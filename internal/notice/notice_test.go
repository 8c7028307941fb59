package notice

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/organization"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2018, 3, 10, 3, 0, 0, 0, time.UTC)

func TestWhatShowsToWhomIsAsInTheGoldenFile(t *testing.T) {
	readers := []struct {
		name string
		Reader
	}{
		{"a stranger", Reader{}},
		{"an operator", Reader{Ref: account.Ref{Organization: organization.Operators, ID: "mika"}}},
		{"a Portal Admin of Aozora", Reader{account.Ref{Organization: "aozora", ID: "1"}, account.PortalAdmin}},
		{"a General User of Aozora", Reader{account.Ref{Organization: "aozora", ID: "2"}, account.GeneralUser}},
		{"a Portal Admin of Brennhof", Reader{account.Ref{Organization: "brennhof", ID: "3"}, account.PortalAdmin}},
		{"an account without authority", Reader{Ref: account.Ref{Organization: "aozora", ID: "4"}}},
		{"an id without an organization", Reader{Ref: account.Ref{ID: "5"}, Authority: account.PortalAdmin}},
	}
	var got strings.Builder
	for _, org := range []string{"", "aozora"} {
		for _, authority := range []account.Authority{"", account.PortalAdmin, account.GeneralUser} {
			for _, signin := range []bool{false, true} {
				n := Notice{ID: "x", Audience: Audience{org, authority}, AtSignin: signin, From: noon}
				var who []string
				for _, r := range readers {
					if len(Shown([]Notice{n}, r.Reader, noon)) == 1 {
						who = append(who, r.name)
					}
				}
				fmt.Fprintf(&got, "organization=%-6s authority=%-12s sign-in=%-5t %s\n", org, authority, signin, strings.Join(who, "; "))
			}
		}
	}
	const path = "testdata/audience.golden"
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("%s differs; got:\n%s", path, got.String())
	}
}

func TestANoticeShowsFromItsBeginningToItsEndToTheMicrosecond(t *testing.T) {
	hour := Notice{ID: "x", From: noon, Until: noon.Add(time.Hour)}
	open := Notice{ID: "x", From: noon}
	gone := hour
	gone.Withdrawn = noon
	for _, c := range []struct {
		n    Notice
		at   time.Duration
		want State
	}{
		{hour, -time.Microsecond, Ahead}, {hour, 0, Showing}, {hour, time.Hour - time.Microsecond, Showing}, {hour, time.Hour, Over},
		{open, 10_000 * time.Hour, Showing}, {gone, 0, Withdrawn}, {Notice{}, 0, Withdrawn},
	} {
		if got := c.n.At(noon.Add(c.at)); got != c.want {
			t.Errorf("%v: %s, want %s", c.at, got, c.want)
		}
	}
}

func TestWhatIsWrongWithANoticeIsSaidFieldByField(t *testing.T) {
	good := Notice{English: Text{"Title", "Text"}, Japanese: Text{"件名", "本文"}, From: noon}
	for name, c := range map[string]struct {
		change func(n *Notice)
		want   string
	}{
		"nothing":                     {func(*Notice) {}, "[]"},
		"no Japanese":                 {func(n *Notice) { n.Japanese = Text{} }, "[{title_ja notice.title_missing} {text_ja notice.text_missing}]"},
		"a long title":                {func(n *Notice) { n.English.Title = strings.Repeat("あ", LongestTitle+1) }, "[{title_en notice.too_long}]"},
		"the longest title":           {func(n *Notice) { n.English.Title = strings.Repeat("あ", LongestTitle) }, "[]"},
		"an end before the beginning": {func(n *Notice) { n.Until = noon.Add(-time.Hour) }, "[{until notice.until_before}]"},
		"an end that has passed":      {func(n *Notice) { n.From, n.Until = noon.Add(-time.Hour), noon }, "[{until notice.until_past}]"},
		"at the sign-in for some":     {func(n *Notice) { n.AtSignin, n.Audience.Organization = true, "aozora" }, "[{at_signin notice.signin_everybody}]"},
		"an authority that is none":   {func(n *Notice) { n.Audience.Authority = "root" }, "[{authority notice.authority_unknown}]"},
	} {
		n := good
		c.change(&n)
		if got := fmt.Sprint(n.Check(noon)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
