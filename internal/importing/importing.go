package importing

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"nidan/internal/account"
	"nidan/internal/mail"
	"nidan/internal/organization"
	"nidan/internal/password"
	"nidan/internal/phrase"
	"nidan/internal/rollout"
)

// Column is one of the columns of an import, in the order in which a file names them.
type Column int

// The columns.
const (
	Organization Column = iota
	Email
	Name
	Phone
	Authority
	Method
	Language
	Zone
	Hash
	PeriodEnd
	JobTitle
	Mobile
	columns
)

var columnNames = [columns]string{"organization", "email", "name", "phone", "authority", "method", "mail_language", "time_zone",
	"password_hash", "period_end", "job_title", "mobile"}

// String is a column's name in a file.
func (c Column) String() string { return columnNames[c] }

// needed says that a file must have the column: the last four may lack.
func (c Column) needed() bool { return c < Hash }

// columnOf is the column of a name.
func columnOf(name string) (Column, bool) {
	i := slices.Index(columnNames[:], strings.ToLower(strings.TrimSpace(name)))
	return Column(i), i >= 0
}

// Row is one row as a file has it: text, line and what its reader found broken.
type Row struct {
	Line   int64
	Cells  [columns]string
	Broken Reason // not zero: it could not be read as a row
	key    string // of the address, once it was asked for
}

// Key is the canonical form of the row's address; empty when it is none.
func (r Row) Key() string {
	if r.key != "" {
		return r.key
	}
	return account.Key(r.Cells[Email])
}

// Reason is a phrase with its values, in pairs. The zero Reason is none.
type Reason struct {
	Phrase string   `json:"phrase"`
	Args   []string `json:"args,omitempty"`
}

func why(name string, args ...string) Reason { return Reason{"importing.why_" + name, args} }

// Say says a reason, or nothing.
func (r Reason) Say(say func(key string, args ...any) string) string {
	if r.Phrase == "" {
		return ""
	}
	args := make([]any, len(r.Args))
	for i, a := range r.Args {
		args[i] = a
	}
	return say(r.Phrase, args...)
}

// Outcome is what becomes of a row. The zero Outcome refuses it.
type Outcome int

// The outcomes.
const (
	Refused Outcome = iota
	There           // the address has an account, which says the same
	Differs         // it has one that says something else, and stays as it is
	Added
)

var outcomeNames = [...]string{"refused", "already there", "differs", "added"}

// String is the outcome as reports name it.
func (o Outcome) String() string { return outcomeNames[o] }

// Known is what decides about a row beside it. The zero Known knows of nobody.
type Known struct {
	Now          time.Time
	Columns      [columns]bool             // those that the file has: what it does not say does not differ
	First        int64                     // not 0: the line on which the file has the address already
	Holder       account.Account           // who signs in with the address; the zero account: nobody
	Organization organization.Organization // of the row's name; its ID is empty when there is none yet
	Company      string                    // name of the holder's organization
	Plans        []rollout.Plan            // as they bind the row's organization
	Finished     bool                      // the address has no grace ever again
}

// Verdict is what becomes of a row, and why.
type Verdict struct {
	Outcome Outcome
	Why     Reason // of Refused and Differs
	Account account.Account
	Hash    string    // as the other system kept it; empty: a starting guide instead
	Until   time.Time // zero: no extension
	Plan    string    // whose extension it is
}

// longest is how many characters a cell may have, and a hash.
const (
	longest     = 200
	longestHash = 512
)

// Judge is the one rule of an import: pure and total, asked by the dry run and by the
// run. The first reason that holds is told.
func Judge(row Row, known Known) Verdict {
	if row.Broken.Phrase != "" {
		return Verdict{Why: row.Broken}
	}
	if bad := readable(row); bad.Phrase != "" {
		return Verdict{Why: bad}
	}
	a, bad := person(row)
	if bad.Phrase != "" {
		return Verdict{Why: bad}
	}
	switch {
	case known.First != 0:
		return Verdict{Why: why("twice", "line", number(known.First)), Account: a}
	case known.Holder.IsOperator():
		return Verdict{Why: why("operator"), Account: a}
	case known.Holder.ID != "":
		return compare(row, a, known)
	case !known.Organization.Suspended.IsZero():
		return Verdict{Why: why("suspended"), Account: a}
	}
	a.Organization = known.Organization.ID
	v := Verdict{Account: a, Hash: row.Cells[Hash]}
	if v.Hash != "" {
		if _, err := password.Known(v.Hash); err != nil {
			return Verdict{Why: why("hash"), Account: a}
		}
		v.Account.Imported = known.Now // whoever brings no password has no grace by an import
	}
	if row.Cells[PeriodEnd] != "" {
		if v.Until, v.Plan, bad = extension(row, known); bad.Phrase != "" {
			return Verdict{Why: bad, Account: a}
		}
	}
	v.Outcome = Added
	return v
}

// readable refuses what no file of people holds.
func readable(row Row) Reason {
	for c, cell := range row.Cells {
		column := Column(c).String()
		switch most := longest; {
		case Column(c) == Hash && utf8.RuneCountInString(cell) <= longestHash && !strings.ContainsFunc(cell, unicode.IsControl):
		case strings.ContainsRune(cell, utf8.RuneError) || !utf8.ValidString(cell):
			return why("letters", "column", column)
		case strings.ContainsFunc(cell, unseen), Column(c) != Phone && !account.Plain(cell): // of a number the digits count
			return why("unseen", "column", column)
		case utf8.RuneCountInString(cell) > most:
			return why("long", "column", column)
		}
	}
	for _, c := range []Column{Organization, Email, Name, Phone, Authority, Language, Zone} {
		if row.Cells[c] == "" {
			return why("missing", "column", c.String())
		}
	}
	return Reason{}
}

// unseen are characters that are none of a line.
func unseen(c rune) bool { return unicode.IsControl(c) || unicode.In(c, unicode.Zl, unicode.Zp) }

// person reads the row as an account.
func person(row Row) (a account.Account, bad Reason) {
	a.Email, a.EmailKey = account.Written(row.Cells[Email]), row.Key()
	if a.EmailKey == "" || mail.Addressable(a.Email) != nil {
		return a, why("address")
	}
	a.Name = norm.NFC.String(row.Cells[Name])
	if account.NameKey(a.Name) == "" {
		return a, why("missing", "column", Name.String())
	}
	if organization.NameKey(row.Cells[Organization]) == "" || organization.NameKey(row.Cells[Organization]) == organization.NameKey(organization.Operators) {
		return a, why("organization")
	}
	if a.Phone = account.PhoneKey(row.Cells[Phone]); a.Phone == "" {
		return a, why("phone")
	}
	if a.Authority = account.Authority(fold(row.Cells[Authority])); a.Authority != account.PortalAdmin && a.Authority != account.GeneralUser {
		return a, why("authority", "value", row.Cells[Authority])
	}
	a.Method = account.TOTP
	a.Preset = account.Method(fold(row.Cells[Method]))
	if a.Preset != "" && a.Preset != account.TOTP && a.Preset != account.MailOTP {
		return a, why("method", "value", row.Cells[Method])
	}
	base, _, _ := strings.Cut(strings.ReplaceAll(fold(row.Cells[Language]), "_", "-"), "-")
	if base != string(phrase.English) && base != string(phrase.Japanese) {
		return a, why("language", "value", row.Cells[Language])
	}
	a.Language = phrase.Lang(base)
	zone, ok := phrase.Zone(row.Cells[Zone])
	if !ok {
		return a, why("zone", "value", row.Cells[Zone])
	}
	a.Zone = zone.String()
	a.JobTitle, a.Mobile = norm.NFC.String(row.Cells[JobTitle]), row.Cells[Mobile]
	return a, Reason{}
}

func fold(text string) string { return strings.ToLower(strings.TrimSpace(text)) }

// compare says in which columns an account that is there says something else. Whether
// a password is another nobody can say.
func compare(row Row, a account.Account, known Known) Verdict {
	h := known.Holder
	var differs []string
	for _, one := range []struct {
		column Column
		same   bool
	}{
		{Organization, organization.NameKey(row.Cells[Organization]) == organization.NameKey(known.Company)},
		{Name, a.Name == h.Name},
		{Phone, a.Phone == h.Phone},
		{Authority, a.Authority == h.Authority},
		{Method, sameMethod(a.Preset, h)},
		{Language, a.Language == h.Language},
		{Zone, a.Zone == h.Zone},
		{JobTitle, a.JobTitle == h.JobTitle},
		{Mobile, a.Mobile == h.Mobile},
	} {
		if known.Columns[one.column] && !one.same {
			differs = append(differs, one.column.String())
		}
	}
	a.Ref = h.Ref
	if len(differs) == 0 {
		return Verdict{Outcome: There, Account: a}
	}
	return Verdict{Outcome: Differs, Why: why("differs", "columns", strings.Join(differs, ", ")), Account: a}
}

// sameMethod says whether what a row asks for is what the account has, or had asked for.
func sameMethod(wanted account.Method, h account.Account) bool {
	return wanted == "" || wanted == h.Preset || wanted == h.Method
}

// extension reads a period end: a later own end of an account that has grace.
func extension(row Row, known Known) (until time.Time, plan string, bad Reason) {
	until, err := time.Parse(time.RFC3339, strings.TrimSpace(row.Cells[PeriodEnd]))
	if err != nil {
		return time.Time{}, "", why("period_shape")
	}
	if row.Cells[Hash] == "" {
		return time.Time{}, "", why("period_no_password")
	}
	claim := rollout.Claim{Organization: known.Organization.ID, FirstPassword: known.Now, Imported: true, Finished: known.Finished}
	term, grace := rollout.For(known.Plans, claim)
	ends := term.Plan.Ends.UTC().Format(time.RFC3339)
	switch {
	case term.Plan.ID == "" && passed(known.Plans, known.Now):
		return time.Time{}, "", why("period_passed")
	case term.Plan.ID == "":
		return time.Time{}, "", why("period_no_rollout")
	case !grace:
		return time.Time{}, "", why("period_no_grace")
	case until.Before(term.Plan.Ends):
		return time.Time{}, "", why("period_early", "end", ends)
	case until.After(term.Plan.Ends.Add(rollout.LongestExtension)):
		return time.Time{}, "", why("period_late", "end", ends)
	case until.Equal(term.Plan.Ends):
		return time.Time{}, "", Reason{} // the rollout's own end binds anyway
	}
	return until.UTC(), term.Plan.ID, Reason{}
}

// passed says that a rollout was planned, and that its end is behind.
func passed(plans []rollout.Plan, now time.Time) bool {
	return slices.ContainsFunc(plans, func(p rollout.Plan) bool { return !now.Before(p.Ends) })
}

func number(n int64) string { return phrase.Number(n) }
