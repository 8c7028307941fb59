package demo

import (
	"context"
	"time"

	"nidan/internal/config"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/ticket"
)

// asked is a ticket of the demo: who asks when, in days since the opening, and what
// became of it.
type asked struct {
	company, place    int // the place among those of the company who are enrolled
	day               float64
	category, service string
	kind              string
	urgency           ticket.Urgency
	summary, detail   string
	after             time.Duration // until the answer; 0: there is none
	answer            string
	closed            bool // by the customer, a day later
}

// helpHours are the demo's business hours, as the setting has them by default.
var helpHours = config.Hours{From: 9 * time.Hour, To: 17*time.Hour + 30*time.Minute}

var tickets = []asked{
	{0, 3, 3.4, "portal", "business-portal", "question", "normal", "認証アプリを使う端末を2台にできますか", "業務用と予備のスマートフォンの両方で確認コードを表示したいと考えています。",
		5 * time.Hour, "設定の画面に表示されるQRコードを、2台で続けて読み取ってください。どちらの端末にも同じ確認コードが表示されます。", true},
	{1, 0, 5.5, "portal", "business-portal", "trouble", "high", "The code of the app is refused", "Since this morning the page says that the code did not match. The phone was in flight mode.",
		3 * time.Hour, "Set the clock of the phone to automatic, and wait for the next code. Nothing else needs to be changed.", true},
	{0, 0, 9.3, "account", "people", "request", "low", "異動者のアカウントについて", "来月、支店間で3名が異動します。アカウントはそのまま使えますか。",
		20 * time.Hour, "はい。アカウントは貴社に属するため、変更は必要ありません。役職名などはポータル管理者が一覧から変更できます。", false},
	{1, 1, 12.2, "portal", "business-portal", "question", "normal", "May the end be later for people on leave?", "Two colleagues are on parental leave until June. Can they set up 2-step verification afterwards?", 0, "", false},
	{0, 1, 13.1, "portal", "business-portal", "trouble", "urgent", "MailOTPのメールが届かない", "確認コードのメールが10分以上届かないことがあります。受信サーバーの記録を添付できます。", 0, "", false},
}

// askForHelp puts the tickets of the demo into the story.
func (s *story) askForHelp() {
	desk := s.helpDesk()
	for i, one := range tickets {
		author := s.asker(one.company, one.place)
		if author == nil {
			continue
		}
		var made ticket.Number
		s.on(one.day, func(ctx context.Context) error {
			return s.write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
				made, err = desk.Open(ctx, tx, ticket.Asked{By: s.by(author), Language: string(author.Language), Category: one.category, Service: one.service,
					Kind: one.kind, Urgency: one.urgency, Summary: one.summary, Detail: one.detail, Form: secret.ID()})
				return err
			})
		})
		if i == mailedBack {
			s.at(s.date(one.day).Add(one.after+time.Hour), func(ctx context.Context) error { return s.answerByMail(ctx, author, made) })
		}
		if one.after > 0 {
			s.at(s.date(one.day).Add(one.after), func(ctx context.Context) error {
				return s.write(ctx, func(ctx context.Context, tx *store.Tx) error {
					return desk.Answer(ctx, tx, made, ticket.Said{By: s.by(s.operator), Text: one.answer, Form: secret.ID()})
				})
			})
		}
		if one.closed {
			s.at(s.date(one.day).Add(one.after+day), func(ctx context.Context) error {
				return s.write(ctx, func(ctx context.Context, tx *store.Tx) error {
					return desk.Close(ctx, tx, made, ticket.Said{By: s.by(author), Form: secret.ID()})
				})
			})
		}
	}
}

// helpDesk is the desk, by the story's time.
func (s *story) helpDesk() *ticket.HelpDesk {
	site := *s.Site
	site.Now = s.clk.Now
	return &ticket.HelpDesk{Keys: s.Keys, Site: &site, Address: s.URL, Hours: helpHours}
}

// asker is one of a company's people who are set up.
func (s *story) asker(company, place int) *person {
	for _, p := range s.people {
		if p.state != Enrolled || p.company.domain != companies[company].domain {
			continue
		}
		if place == 0 {
			return p
		}
		place--
	}
	return nil
}

// by is a person as the help desk knows him.
func (s *story) by(p *person) ticket.By {
	return ticket.By{Ref: p.Ref, Name: p.Name, Actor: p.actor(), Network: p.company.network}
}
