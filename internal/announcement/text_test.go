package announcement

import (
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/rollout"
)

var update = flag.Bool("update", false, "write the golden files anew")

func site(t *testing.T, now time.Time) *page.Site {
	t.Helper()
	book, err := phrase.NewBook(phrase.Words, page.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	s, err := page.New(book, slog.New(slog.DiscardHandler), page.Options{Name: desk.Portal, House: time.UTC,
		Contact: desk.Contact, Hours: desk.Hours, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func golden(t *testing.T, name, got string) {
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
		t.Errorf("%s is not what is written; read the difference, then run this test with -update\ngot:\n%s", path, got)
	}
}

// fact is one thing that the announcement of 2018 says, as each language says it.
type fact struct {
	name     string
	en, ja   []string
	mailOnly bool
}

// factsOf2018 are all of them. They are written down here as they were announced,
// not as the room's phrases have them.
var factsOf2018 = []fact{
	{name: "from 1-step to 2-step", en: []string{"from 1-step to 2-step verification"}, ja: []string{"一段階認証から二段階認証に切り替え"}},
	{name: "since many customers asked for stronger security", en: []string{"Many customers have asked for stronger security"}, ja: []string{"多くのお客様からセキュリティ強化のご要望"}},
	{name: "with an apology", en: []string{"We apologize for the inconvenience"}, ja: []string{"ご不便をおかけしますことをお詫び申し上げます"}},
	{name: "every user, no opt-out", en: []string{"Every user must set it up", "no way to opt out"}, ja: []string{"すべてのユーザー", "対象から外れることはできません"}},
	{name: "the period", en: []string{"4 Mar 2018, 00:00 JST (3 Mar, 15:00 UTC)", "24 Apr 2018, 24:00 JST (15:00 UTC)", "the method can be set up and changed"},
		ja: []string{"2018年3月4日(日) 00:00 JST (3月3日 15:00 UTC)", "2018年4月24日(火) 24:00 JST (15:00 UTC)", "認証の方法を設定・変更できます"}},
	{name: "after the end nobody by 1 step", en: []string{"After 24 Apr 2018, 24:00 JST (15:00 UTC) nobody signs in by 1 step"},
		ja: []string{"2018年4月24日(火) 24:00 JST (15:00 UTC) を過ぎると、一段階認証ではどなたもサインインできなくなります"}},
	{name: "the window and its length", en: []string{"4 Mar 2018, 00:00 JST (3 Mar, 15:00 UTC) until 4 Mar 2018, 05:00 JST (3 Mar, 20:00 UTC) (5 hours)", "nobody can sign in at all"},
		ja: []string{"2018年3月4日(日) 00:00 JST (3月3日 15:00 UTC) から 2018年3月4日(日) 05:00 JST (3月3日 20:00 UTC) まで（5時間）", "どなたもサインインできません"}},
	{name: "what 2-step verification is", en: []string{"password", "and then a unique security code"}, ja: []string{"パスワード（一段階目の認証）に続けて", "セキュリティコード"}},
	{name: "TOTP", en: []string{"TOTP", "Google Authenticator", "Microsoft Authenticator", "smartphone or tablet"},
		ja: []string{"TOTP", "Google Authenticator", "Microsoft Authenticator", "スマートフォンまたはタブレット"}},
	{name: "MailOTP", en: []string{"MailOTP", "mailed to your registered address after the first verification"}, ja: []string{"MailOTP", "一段階目の認証のあと、登録済みのメールアドレスにコードが届きます"}},
	{name: "a Portal Admin selects", en: []string{"Portal Admin", "Selects TOTP or MailOTP"}, ja: []string{"ポータル管理者", "TOTPまたはMailOTPを選択します"}},
	{name: "a General User is set to TOTP", en: []string{"General User", "Is set to TOTP automatically"}, ja: []string{"一般ユーザー", "自動的にTOTPが設定されます"}},
	{name: "only a Portal Admin changes to MailOTP, with a guide", en: []string{"Only a Portal Admin can change the setting to MailOTP", "/guide/portal-admin#change-to-mailotp"},
		ja: []string{"MailOTPに変更できるのは、ポータル管理者だけです", "/guide/portal-admin#change-to-mailotp"}},
	{name: "the registered address receives mail", en: []string{"registered mail address must be able to receive mail"}, ja: []string{"登録済みのメールアドレスでメールを受信できる必要があります"}},
	{name: "the set-up guides", en: []string{"Set-up guide for Portal Admins", "/guide/portal-admin", "Set-up guide for General Users", "/guide/general-user"},
		ja: []string{"設定ガイド（ポータル管理者向け）", "/guide/portal-admin", "設定ガイド（一般ユーザー向け）", "/guide/general-user"}},
	{name: "contact by mail in business hours", en: []string{"help@portal.example", "Business hours", "9:00–17:30 JST"}, ja: []string{"help@portal.example", "営業時間", "9:00–17:30 JST"}},
	{name: "or by a ticket, with its guide", en: []string{"category “Portal”", "service name “Business Portal”", "/guide/tickets"}, ja: []string{"カテゴリー「Portal」", "サービス名「Business Portal」", "/guide/tickets"}},
	{name: "own dates of an organization", en: []string{"Your organization may have its own dates: see your mail or dashboard."}, ja: []string{"貴社では日程が異なる場合があります"}},
	{name: "the page with the same words", en: []string{"/announcement", "type the portal's address yourself"}, ja: []string{"/announcement", "ポータルのアドレスをご自身で入力"}, mailOnly: true},
}

func (f fact) in(lang phrase.Lang) []string {
	if lang == phrase.Japanese {
		return f.ja
	}
	return f.en
}

func TestTheLetterSaysEveryFactOf2018(t *testing.T) {
	s := site(t, planned)
	for _, lang := range phrase.Langs {
		subject, text := Text(s.Speaker(lang, nil), of2018().Facts(desk, "", planned))
		for _, f := range factsOf2018 {
			for _, part := range f.in(lang) {
				if !strings.Contains(text, part) {
					t.Errorf("%s: %s: the letter lacks %q", lang, f.name, part)
				}
			}
		}
		if by := s.Speaker(lang, nil); !strings.Contains(subject, Facts{Zone: tokyo}.In(by).End(ends)) {
			t.Errorf("the subject does not say by when: %q", subject)
		}
		for _, bad := range []string{"signin", "http", "[announcement", "{"} {
			if strings.Contains(subject+text, bad) {
				t.Errorf("%s: the letter holds %q", lang, bad)
			}
		}
	}
}

func TestTheLetterOf2018IsWrittenAsItWas(t *testing.T) {
	s := site(t, planned)
	var all strings.Builder
	for _, lang := range phrase.Langs {
		subject, text := Text(s.Speaker(lang, phrase.Location("Europe/Berlin")), of2018().Facts(desk, "", planned))
		all.WriteString("Subject: " + subject + "\n\n" + text + "\n\n----\n\n")
	}
	golden(t, "letter_2018.golden", all.String())
}

// told is a record with everything that may have happened to a plan.
func told(state State) (rec Record, now time.Time) {
	rec, now = of2018(), during
	switch state {
	case None:
		return Record{}, now
	case Ahead:
		now = planned
	case Ended:
		now = ends
	case Withdrawn:
		rec.Book.Plans[0].Withdrawn = during
	}
	rec.change(planned.AddDate(0, 0, 1), func(p *rollout.Plan) {
		p.Opens, p.Ends = opens.Add(time.Hour), ends.AddDate(0, 0, 7)
		p.Message = rollout.Message{English: "Thank you\nfor your help.\r\n\r\nThe operators", Japanese: "ご協力をお願いいたします。"}
	})
	rec.change(planned.AddDate(0, 0, 2), func(p *rollout.Plan) { p.Opens, p.Ends = opens, ends })
	w := rec.Windows[0]
	w.ID, w.Opens, w.Closes, w.Cancelled = "x", w.Opens.AddDate(0, 0, 7), w.Closes.AddDate(0, 0, 7).Add(30*time.Minute), during
	rec.Windows = append(rec.Windows, w)
	return rec, now
}

func TestEachStateIsToldTruthfully(t *testing.T) {
	s := site(t, planned)
	var all strings.Builder
	for _, state := range []State{None, Ahead, Open, Ended, Withdrawn} {
		rec, now := told(state)
		f := rec.Facts(desk, "", now)
		if f.State != state {
			t.Fatalf("%s, wanted %s", f.State, state)
		}
		for _, lang := range phrase.Langs {
			subject, text := Text(s.Speaker(lang, nil), f)
			if strings.Contains(subject+text, "[") || strings.Contains(text, "{") {
				t.Errorf("%s in %s lacks a phrase or a value:\n%s\n%s", state, lang, subject, text)
			}
			text, _, _ = strings.Cut(text, heading(lang, s.Speaker(lang, nil).T("announcement.what_title")))
			all.WriteString("---- " + string(state) + "\n" + subject + "\n\n" + text)
		}
	}
	golden(t, "states.golden", all.String())
}
