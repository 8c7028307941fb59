package ticket

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"nidan/internal/account"
	"nidan/internal/hours"
	"nidan/internal/organization"
	"nidan/internal/phrase"
	"nidan/internal/progress"
	"nidan/internal/store/storetest"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s", path, got)
	}
}

func TestWhatMayBeDoneWithATicketIsAsInTheGoldenFile(t *testing.T) {
	var got strings.Builder
	whos := []Who{Nobody, Customer, Desk}
	names := []string{"nobody", "customer", "desk"}
	for _, state := range []State{"", Open, Answered, Closed} {
		for _, act := range []Act{"", Comment, Answer, Note, Close, Tell} {
			for i, who := range whos {
				answer := "no"
				if next, ok := Next(state, act, who); ok {
					answer = "→ " + string(next)
				}
				fmt.Fprintf(&got, "%-9s %-8s %-9s %s\n", state, act, names[i], answer)
			}
		}
	}
	golden(t, "testdata/next.golden", got.String())
}

func TestWhoSeesATicketIsAsInTheGoldenFile(t *testing.T) {
	of := func(organization, id string) account.Ref { return account.Ref{Organization: organization, ID: id} }
	viewers := []struct {
		name string
		account.Ref
	}{
		{"stranger", account.Ref{}},
		{"id without organization", of("", "author")},
		{"organization without id", of("aozora", "")},
		{"author", of("aozora", "author")},
		{"contact", of("aozora", "contact")},
		{"colleague", of("aozora", "other")},
		{"author's id elsewhere", of("brennhof", "author")},
		{"contact's id elsewhere", of("brennhof", "contact")},
		{"operator", of(organization.Operators, "mika")},
	}
	tickets := []struct {
		name string
		Audience
	}{
		{"zero", Audience{}},
		{"of who is in no organization", Audience{Shared: true}},
		{"shared", Audience{Organization: "aozora", Shared: true, Author: "author", Contacts: []string{"contact"}}},
		{"not shared", Audience{Organization: "aozora", Author: "author", Contacts: []string{"contact"}}},
		{"author deleted", Audience{Organization: "aozora", Contacts: []string{"contact"}}},
	}
	var got strings.Builder
	for _, ticket := range tickets {
		fmt.Fprintf(&got, "%s\n", ticket.name)
		for _, v := range viewers {
			fmt.Fprintf(&got, "  %-24s %s\n", v.name, []string{"like one that never was", "sees", "sees, at the desk"}[WhoIs(v.Ref, ticket.Audience)])
		}
	}
	golden(t, "testdata/sees.golden", got.String())
}

func TestATicketsNumberIsReadAsPeopleWriteIt(t *testing.T) {
	for text, want := range map[string]Number{"T-123": 123, " t-7 ": 7, "Ｔ－１２": 12, "T-0": 0, "T-012": 0, "123": 0, "T-": 0, "T-1x": 0, "": 0,
		"T-99999999999999999999": 0, "T--1": 0, "T-1'": 0} {
		if n, ok := ParseNumber(text); n != want || ok != (want != 0) {
			t.Errorf("%q: %s %t", text, n, ok)
		}
	}
}

func TestPairsFindWordsOfTwoCharactersInBothLanguages(t *testing.T) {
	for text, want := range map[string]string{
		"二段階認証":        "二段 段階 階認 認証",
		"ＱＲコード":        "qr rコ コー ード",
		"Sign in, now": "si ig gn in no ow",
		"a b c":        "",
		"aaaa":         "aa",
		"設定\n設定":       "設定",
		"":             "",
		"'; -- 😀":      "",
	} {
		if got := strings.Join(Pairs(text, 100), " "); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
	if n := len(Pairs(strings.Repeat("設定を変更できない", 1), 3)); n != 3 {
		t.Errorf("%d pairs, at most three were asked for", n)
	}
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.String().Draw(rt, "text")
		pairs := Pairs(text, 50)
		for _, pair := range pairs {
			if utf8.RuneCountInString(pair) != 2 {
				rt.Errorf("%q of %q is no pair", pair, text)
			}
		}
		if slices.Sort(pairs); len(slices.Compact(pairs)) != len(pairs) {
			rt.Errorf("%q: a pair comes twice", text)
		}
	})
}

func TestOnlyASignedAddressLeadsIntoAThread(t *testing.T) {
	keys := storetest.Keys(t)
	rp, err := NewReplies(keys, "help@portal.example")
	if err != nil {
		t.Fatal(err)
	}
	const holder = "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000"
	address := rp.Address(123, holder)
	if local, _, _ := strings.Cut(address, "@"); len(local) > 64 {
		t.Errorf("%s is too long", address)
	}
	for _, of := range []string{holder, ""} {
		n, who, ok := rp.Parse(strings.ToUpper(rp.Address(9_000_000_000, of)))
		if !ok || n != 9_000_000_000 || who != of {
			t.Errorf("%s %q %t", n, who, ok)
		}
	}
	other := strings.Replace(address, "+t3f.", "+t3e.", 1)
	for _, wrong := range []string{"", "help@portal.example", other, strings.Replace(address, "portal", "other", 1), "x" + address,
		strings.Replace(address, "help+", "help++", 1), address[:len(address)-1], strings.Repeat("a", 400)} {
		if wrong == address {
			t.Fatal("the address was not changed")
		}
		if n, _, ok := rp.Parse(wrong); ok {
			t.Errorf("%q leads to %s", wrong, n)
		}
	}
	for i := range len(address) { // any one letter that is not as it was
		b := []byte(address)
		if b[i] = 'q'; address[i] == 'q' {
			b[i] = 'w'
		}
		if _, _, ok := rp.Parse(string(b)); ok {
			t.Errorf("%s leads somewhere", b)
		}
	}
	for _, wrong := range []string{"help+desk@portal.example", "a.local.part.of@portal.example", "no address"} {
		if _, err := NewReplies(keys, wrong); err == nil {
			t.Errorf("%q leaves a place for a ticket", wrong)
		}
	}
	if rp.Address(0, holder) != "" || rp.Address(1, "nobody") != "" {
		t.Error("an address was made for nothing")
	}
}

func TestAFileIsWhatItsFirstBytesSay(t *testing.T) {
	for first, want := range map[string]string{
		"\x89PNG\r\n\x1a\nxx":              "image/png",
		"\xff\xd8\xffxx":                   "image/jpeg",
		"%PDF-1.7":                         "application/pdf",
		"PK\x03\x04xx":                     "application/zip",
		"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "application/x-ole-storage",
		"\x00\x00\x00\x18ftypheic":         "image/heic",
		"a plain line\n設定":                 "text/plain",
		"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff": "",
		"\x7fELF\x02\x01\x01\x00\x00":                        "",
		"<!doctype html><script>":                            "",
		"<svg xmlns=":                                        "text/plain",
		"<?xml version=\"1.0\"?><svg>":                       "",
		"#!/bin/sh\n":                                        "",
		"\x00\x01\x02\x03":                                   "",
	} {
		got, ok := mediaOf([]byte(first))
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q: %s %t", first, got, ok)
		}
	}
}

func TestEachUrgencyPromisesSomethingAndNothingElseDoes(t *testing.T) {
	for _, u := range Urgencies {
		if u.Promise() <= 0 {
			t.Errorf("%s promises nothing", u)
		}
	}
	if Urgency("").Promise() != 0 || Urgency("now").Promise() != 0 {
		t.Error("what is no urgency promises something")
	}
}

func TestARolloutsCurveStandsBesideTheDaysUntilItsEnd(t *testing.T) {
	tokyo := phrase.Location("Asia/Tokyo")
	at := func(day, hour int) time.Time { return time.Date(2018, 3, day, hour, 0, 0, 0, tokyo) }
	happened := func(day, hour int, n int64) progress.Hour {
		return progress.Hour{At: at(day, hour), Figures: progress.Figures{TOTP: n - 1, MailOTP: 1}}
	}
	course := Course{Opens: at(4, 0), Ends: at(9, 12), Hours: []progress.Hour{
		happened(1, 12, 2), // before the days that are shown
		happened(5, 0, 3), happened(5, 23, 4), happened(7, 9, 5),
		happened(9, 11, 1), happened(9, 12, 100)}} // the last of them after the end
	days, _, _ := tallies(nil, hours.Day{Year: 2018, Month: 3, Day: 4}, 8)
	enroll(days, course, tokyo)
	var got []string
	for _, d := range days {
		got = append(got, fmt.Sprint(d.Day.Day, ":", d.Enrolled, "/", d.Sum))
	}
	if text := strings.Join(got, " "); text != "4:0/2 5:7/9 6:0/9 7:5/14 8:0/14 9:1/15 10:0/15 11:0/15" {
		t.Error(text)
	}
	days, _, _ = tallies(nil, hours.Day{Year: 2018, Month: 3, Day: 4}, 2)
	enroll(days, Course{}, tokyo)
	if days[1].Sum != 0 {
		t.Error("without a rollout somebody is enrolled")
	}
}
