package importing

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/organization"
	"nidan/internal/phrase"
	"nidan/internal/rollout"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Instants of the announcement's rollout.
var (
	opens = time.Date(2018, 3, 3, 15, 0, 0, 0, time.UTC)
	ends  = time.Date(2018, 4, 24, 15, 0, 0, 0, time.UTC)
	plan  = rollout.Plan{ID: "r", Opens: opens, Ends: ends, Planned: opens.AddDate(0, -1, 0)}
)

// good is a row that is added.
func good() Row {
	return Row{Line: 2, Cells: [columns]string{"Aozora", "hanako@aozora.example", "佐藤 花子", "03-1234-5678", "general_user", "", "ja", "Asia/Tokyo",
		"{SSHA}tAYrA42ljwYsQrSykBqHai65KFcBAgMEBQYHCA==", "", "Clerk", ""}}
}

func with(c Column, text string) Row {
	row := good()
	row.Cells[c] = text
	return row
}

func all() (has [columns]bool) {
	for c := range columns {
		has[c] = true
	}
	return has
}

// holder is the account that a good row has become.
func holder() account.Account {
	v := Judge(good(), Known{Now: opens})
	a := v.Account
	a.Ref = account.Ref{Organization: "o", ID: "a"}
	return a
}

func TestWhatBecomesOfARow(t *testing.T) {
	book, err := phrase.NewBook(Words)
	if err != nil {
		t.Fatal(err)
	}
	in := Known{Now: opens.AddDate(0, 0, 7), Columns: all(), Organization: organization.Organization{ID: "o", Name: "Aozora"}, Plans: []rollout.Plan{plan}}
	knows := func(change func(*Known)) Known {
		k := in
		change(&k)
		return k
	}
	there := knows(func(k *Known) { k.Holder, k.Company = holder(), "Aozora" })
	until := func(text string) Row { return with(PeriodEnd, text) }
	withdrawn := plan
	withdrawn.Withdrawn = opens.AddDate(0, 0, 3)
	var b strings.Builder
	for _, c := range []struct {
		name  string
		row   Row
		known Known
	}{
		{"a new address", good(), in},
		{"of a new organization", good(), knows(func(k *Known) { k.Organization = organization.Organization{} })},
		{"without a hash", with(Hash, ""), in},
		{"a Portal Admin who asks for MailOTP", func() Row { r := with(Method, "MailOTP"); r.Cells[Authority] = "PORTAL_ADMIN"; return r }(), in},
		{"a General User who asks for MailOTP", with(Method, "mailotp"), in},
		{"no row", Row{Line: 3, Broken: why("quotes")}, in},
		{"a cell is empty", with(Name, ""), in},
		{"a name of blanks that are wide", with(Name, "\u3000"), in},
		{"no mail address", with(Email, "hanako"), in},
		{"two mail addresses", with(Email, "hanako@aozora.example,jiro@aozora.example"), in},
		{"an address with a line break", with(Email, "hanako@aozora.example\nbcc:x@y.example"), in},
		{"a zero byte", with(Name, "Hana\x00ko"), in},
		{"a name with a blank that nobody sees", with(Name, "Hana\u200bko"), in},
		{"a name that turns what follows", with(Name, "\u202eHanako"), in},
		{"an organization that looks like another", with(Organization, "Aozora\u00ad"), in},
		{"a number with the marks of a phone book", with(Phone, "\u202a03-1234\u202c"), in},
		{"bytes that are no letters", with(Name, "Hana\xffko"), in},
		{"a long name", with(Name, strings.Repeat("花", 201)), in},
		{"a phone number without digits", with(Phone, "none"), in},
		{"full-width digits", with(Phone, "０３－１２３４"), in},
		{"an authority that is none", with(Authority, "operator"), in},
		{"a method that is none", with(Method, "sms"), in},
		{"a language that is none", with(Language, "de"), in},
		{"a language with its country", with(Language, "ja_JP"), in},
		{"a zone that is none", with(Zone, "JST+9"), in},
		{"the operators' organization", with(Organization, "Operators"), in},
		{"the operators' organization, wide", with(Organization, "Ｏｐｅｒａｔｏｒｓ"), in},
		{"a hash that nothing reads", with(Hash, "secret"), in},
		{"a hash with a line break", with(Hash, "{SSHA}tAYrA42ljwYsQrSykBqHai65KFcBAgMEBQYHCA==\n"), in},
		{"twice in the file", good(), knows(func(k *Known) { k.First = 1200 })},
		{"an operator's address", good(), knows(func(k *Known) { k.Holder.Ref = account.Ref{Organization: organization.Operators, ID: "olga"} })},
		{"a suspended organization", good(), knows(func(k *Known) { k.Organization.Suspended = opens })},
		{"there already", good(), there},
		{"there already, without a hash", with(Hash, ""), there},
		{"there already, asked for MailOTP", with(Method, "mailotp"), there},
		{"there already, with another phone number and zone", func() Row { r := with(Phone, "1"); r.Cells[Zone] = "UTC"; return r }(), there},
		{"there already, of another organization", good(), knows(func(k *Known) { k.Holder = holder(); k.Holder.Organization = "p" })},
		{"there already, and no column for the job title", with(JobTitle, ""), knows(func(k *Known) { k.Holder, k.Company = holder(), "Aozora"; k.Columns[JobTitle] = false })},
		{"there already, in a suspended organization", good(), knows(func(k *Known) { k.Holder, k.Company, k.Organization.Suspended = holder(), "Aozora", opens })},
		{"an end that is no instant", until("2018-05-31"), in},
		{"an end before the rollout's", until("2018-04-24T14:59:59Z"), in},
		{"the rollout's end", until("2018-04-24T15:00:00Z"), in},
		{"an end a second after", until("2018-04-24T15:00:01Z"), in},
		{"an end with its offset", until("2018-05-31T24:00:00+09:00"), in},
		{"90 days after", until("2018-07-23T15:00:00Z"), in},
		{"a second more", until("2018-07-23T15:00:01Z"), in},
		{"an end without a hash", func() Row { r := until("2018-05-31T15:00:00Z"); r.Cells[Hash] = ""; return r }(), in},
		{"an end, and no rollout", until("2018-05-31T15:00:00Z"), knows(func(k *Known) { k.Plans = nil })},
		{"an end before the opening", until("2018-05-31T15:00:00Z"), knows(func(k *Known) { k.Now = opens.AddDate(0, 0, -1) })},
		{"an end in the last microsecond", until("2018-05-31T15:00:00Z"), knows(func(k *Known) { k.Now = ends.Add(-time.Microsecond) })},
		{"an end at the rollout's end", until("2018-05-31T15:00:00Z"), knows(func(k *Known) { k.Now = ends })},
		{"an end for an address whose grace is finished", until("2018-05-31T15:00:00Z"), knows(func(k *Known) { k.Finished = true })},
		{"an end of a rollout that was withdrawn", until("2018-05-31T15:00:00Z"), knows(func(k *Known) { k.Plans = []rollout.Plan{withdrawn} })},
	} {
		v := Judge(c.row, c.known)
		fmt.Fprintf(&b, "%-50s %s", c.name, v.Outcome)
		if v.Outcome == Added {
			fmt.Fprintf(&b, ": %s, %s, preset %q, phone %s, imported %t", v.Account.Authority, v.Account.Method, v.Account.Preset, v.Account.Phone, !v.Account.Imported.IsZero())
			if !v.Until.IsZero() {
				fmt.Fprintf(&b, ", until %s", v.Until.Format(time.RFC3339))
			}
		}
		b.WriteByte('\n')
		if v.Why.Phrase != "" {
			for _, lang := range phrase.Langs {
				fmt.Fprintf(&b, "  %s\n", v.Why.Say(func(key string, args ...any) string { return book.Say(lang, key, args...) }))
			}
		}
	}
	const golden = "testdata/judge.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || string(want) != b.String() {
		t.Errorf("%v: run with -update and read the difference:\n%s", err, b.String())
	}
}

func TestTheZeroRowAndNobodyKnownAreRefused(t *testing.T) {
	if v := Judge(Row{}, Known{}); v.Outcome != Refused || v.Why.Phrase == "" {
		t.Errorf("%+v", v)
	}
	if (Verdict{}).Outcome != Refused {
		t.Error("the zero verdict adds")
	}
}
