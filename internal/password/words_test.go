package password

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"nidan/internal/account"
	"nidan/internal/operator"
	"nidan/internal/phrase"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// unsaid is a phrase that is missing, or a value that nobody filled in.
var unsaid = regexp.MustCompile(`\[[a-z]+\.[a-z_.]+\]|\{[a-z_]+\}|%!|&lt;no value|<no value`)

func TestEveryPageSpeaksBothLanguages(t *testing.T) {
	s := open(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
	plain := s.add("plain@example.com", "Taro Abe", person{})
	mailed := s.add("mailed@example.com", "Ken Ito", person{assigned: account.MailOTP, enrolled: []account.Method{account.MailOTP}})
	admin := s.add("admin@example.com", "Hanako Sato", person{authority: account.PortalAdmin, assigned: account.MailOTP, enrolled: []account.Method{account.MailOTP}})
	type request struct {
		path string
		who  *account.Account
		form url.Values
	}
	requests := []request{
		{"/password/forgot", nil, nil}, {"/password/forgot", nil, url.Values{}},
		{"/password/forgot", nil, url.Values{"email": {"x"}, "name": {"x"}, "phone": {"x"}}},
		{"/password/forgot/sent", nil, nil}, {"/password/reset/unknown", nil, nil},
		{"/profile/password", &plain, nil}, {"/profile/password", &plain, twice("short")}, {"/profile/password", &plain, twice("")},
		{"/profile/password", &mailed, nil}, {"/profile/password", &admin, nil},
		{"/profile/password", &plain, url.Values{"act": {"refuse"}}},
	}
	for _, a := range []account.Account{plain, mailed, admin} {
		done := s.ask("POST", s.link(a), twice(newPassword), nil).Header().Get("Location")
		requests = append(requests, request{path: done}, request{path: s.link(a)})
	}
	for _, lang := range phrase.Langs {
		for _, one := range requests {
			var v *session.Visit
			method := http.MethodGet
			if one.form != nil {
				method = http.MethodPost
			}
			if one.who != nil {
				v, _ = s.visit(*one.who)
			}
			w := s.ask(method, one.path+"?lang="+string(lang), one.form, v)
			body := w.Body.String()
			if lost := unsaid.FindString(body); lost != "" || w.Code >= 500 || !strings.Contains(body, `<html lang="`+string(lang)+`"`) {
				t.Errorf("%s %s in %s: %d, unsaid %q", method, one.path, lang, w.Code, lost)
			}
		}
	}
}

// Every fault of the password rule has its phrase.
func TestEveryFaultOfTheRuleIsSaid(t *testing.T) {
	s := open(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
	for _, lang := range phrase.Langs {
		say := s.room.Site.Speaker(lang, nil)
		for _, f := range Faults {
			if text := say.T(string(f), "n", limitOf(f, 8)); unsaid.MatchString(text) {
				t.Errorf("%s in %s: %q", f, lang, text)
			}
		}
	}
}

// Each mail is complete in itself: no phrase is missing, and no address of ours
// stands in it but the one link that a reset needs.
func TestEveryMailSpeaksItsReadersLanguage(t *testing.T) {
	for _, lang := range phrase.Langs {
		s := open(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
		mailed := []account.Method{account.MailOTP}
		plain := s.add("plain@example.com", "Taro Abe", person{language: lang})
		user := s.add("user@example.com", "Ken Ito", person{language: lang, assigned: account.MailOTP, enrolled: mailed})
		admin := s.add("admin@example.com", "Hanako Sato", person{language: lang, authority: account.PortalAdmin, assigned: account.MailOTP, enrolled: mailed})
		s.add("second@example.com", "Akiko Suzuki", person{language: lang, authority: account.PortalAdmin})
		for _, a := range []account.Account{plain, user, admin} {
			s.ask("POST", s.link(a), twice(newPassword), nil)
			v, _ := s.visit(a)
			s.ask("POST", "/profile/password", url.Values{"act": {"refuse"}}, v)
			s.ask("POST", "/profile/password", twice("umber gazelle thimble 5"), v)
		}
		s.in(func(ctx context.Context, tx *store.Tx) error {
			o, err := operator.Add(ctx, tx, operator.Operator{Email: "op@portal.example", Name: "Mio Kato", Language: lang, Zone: "UTC"}, "test")
			if err != nil {
				return err
			}
			return s.room.send(ctx, tx, letter{key: "mail_changed_operator", lane: "notice",
				to: account.Account{Ref: o.Ref(), Email: o.Email, Name: o.Name, Language: lang}})
		})
		subjects := map[string]bool{}
		for _, m := range s.mails() {
			subjects[m.Subject] = true
			if lost := unsaid.FindString(m.Subject + m.Text); lost != "" {
				t.Errorf("%s: %q: unsaid %q", lang, m.Subject, lost)
			}
			links := linkShape.FindAllString(m.Text, -1)
			if len(links) > 1 || len(links) == 1 && !strings.HasPrefix(links[0], "https://portal.example/password/reset/") {
				t.Errorf("%s: %q holds %q", lang, m.Subject, links)
			}
			if len(links) == 1 && strings.Contains(m.Subject, links[0]) {
				t.Errorf("%s: a link stands in a subject", lang)
			}
			if japanese := strings.Contains(m.Text, "。"); japanese != (lang == phrase.Japanese) {
				t.Errorf("%s: %q is in the other language", lang, m.Subject)
			}
		}
		if len(subjects) < 10 {
			t.Errorf("%s: only %d kinds of mail were seen", lang, len(subjects))
		}
	}
}
