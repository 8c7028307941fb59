package people

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/phrase"
)

// Bounds of what is typed of a person, in characters; of a phone number, in digits.
const (
	longestName  = 100
	fewestDigits = 5
	mostDigits   = 20
)

// typed is a person as the form has him.
type typed struct {
	account.Account
	Keep bool   // MailOTP is kept by who becomes a General User
	Seen string // what was recorded when the form was opened
}

// read reads the form of a person. What is in it is kept as typed, right or wrong;
// fields that the form has not are never looked at.
func read(form *page.Form, withAddress bool) (t typed) {
	t.Name = short(form, "name", form.Need("name", "people.name_missing"))
	if t.Name != "" && account.NameKey(t.Name) == "" {
		form.Fault("name", "people.name_missing")
	}
	if withAddress {
		t.Email = form.Need("email", "people.email_missing")
		if t.EmailKey = account.Key(t.Email); t.Email != "" && t.EmailKey == "" {
			form.Fault("email", "people.email_shape")
		}
	}
	t.Phone = form.Need("phone", "people.phone_missing")
	digits(form, "phone", t.Phone)
	t.Language = phrase.Lang(form.Text("language"))
	if lang, ok := phrase.Parse(string(t.Language)); !ok || lang != t.Language {
		form.Fault("language", "people.language_missing")
	}
	t.Authority = account.Authority(form.Text("authority"))
	if t.Authority != account.PortalAdmin && t.Authority != account.GeneralUser {
		form.Fault("authority", "people.authority_missing")
	}
	t.Zone = form.Text("time_zone")
	if zone := form.Zone("time_zone"); zone != nil {
		t.Zone = zone.String()
	}
	t.JobTitle = short(form, "job_title", form.Text("job_title"))
	t.Mobile = form.Text("mobile")
	if t.Mobile != "" {
		digits(form, "mobile", t.Mobile)
	}
	t.Keep, t.Seen = form.Text("keep") == "yes", form.Text("seen")
	return t
}

func short(form *page.Form, field, text string) string {
	if utf8.RuneCountInString(text) > longestName {
		form.Fault(field, "page.field_long", "n", longestName)
	}
	if !account.Plain(text) {
		form.Fault(field, "page.field_control")
	}
	return text
}

func digits(form *page.Form, field, text string) {
	if n := len(account.PhoneKey(text)); text != "" && (n < fewestDigits || n > mostDigits) {
		form.Add(fault.Field(field, "people.phone_shape", "few", fewestDigits, "most", mostDigits))
	}
}

// seen names a state of what can be edited: a form that was opened before somebody
// else saved carries another.
func seen(a account.Account) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{a.Name, a.Phone, string(a.Authority), string(a.Language), a.Zone, a.JobTitle, a.Mobile}, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// applied is a recorded account with what was typed: its address, its method and all
// that no form has stay as recorded.
func (t typed) applied(a account.Account) account.Account {
	a.Name, a.Phone, a.Authority, a.Language, a.Zone = t.Name, account.PhoneKey(t.Phone), t.Authority, t.Language, t.Zone
	a.JobTitle, a.Mobile = t.JobTitle, t.Mobile
	return a
}

// differs are the names of the facts in which two states of an account differ.
func differs(a, b account.Account) (names []string) {
	for _, one := range []struct {
		name string
		same bool
	}{
		{"name", a.Name == b.Name}, {"phone", a.Phone == b.Phone}, {"language", a.Language == b.Language}, {"authority", a.Authority == b.Authority},
		{"time_zone", a.Zone == b.Zone}, {"job_title", a.JobTitle == b.JobTitle}, {"mobile", a.Mobile == b.Mobile},
	} {
		if !one.same {
			names = append(names, one.name)
		}
	}
	return names
}
