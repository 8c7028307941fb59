package demo

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"nidan/internal/act"
	"nidan/internal/audit"
	"nidan/internal/mail"
	"nidan/internal/pass"
	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/ticket"
)

// Who asks for help without signing in, and when. The Portal Admin asks on a day on
// which none of the colleagues signs in, so that a pass may be given a day later.
const (
	lockedOut  = "eri.kuroda@brennhof.example"
	onLost     = 8.36
	voided     = "viktor.orlov@brennhof.example"
	onVoided   = 13.43
	outside    = "buchhaltung@lieferant.example"
	onOutside  = 10.3
	mailedBack = 1 // of tickets: whose author answers by mail
)

// errMayNot means that the rules refuse what the story takes for allowed.
var errMayNot = errors.New("the rules of the portal refuse what the demo's story does")

// askFromOutside puts into the story what comes by the contact form and by mail.
func (s *story) askFromOutside() {
	s.recover(s.find(lockedOut))
	if p := s.find(voided); p != nil {
		s.on(onVoided, func(ctx context.Context) error {
			_, err := s.byForm(ctx, p, "My second verification is void", "The portal says that my second verification is void, and I do not know why. I have not signed in for days. Who can help me?")
			return err
		})
	}
	s.on(onOutside, s.writeFromOutside)
}

func (s *story) find(email string) *person {
	for _, p := range s.people {
		if p.Email == email {
			return p
		}
	}
	return nil
}

// byForm is somebody at the contact form.
func (s *story) byForm(ctx context.Context, p *person, summary, detail string) (n ticket.Number, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		n, err = s.helpDesk().FromContact(ctx, tx, ticket.Question{Email: p.Email, Name: p.Name, Language: string(p.Language),
			Summary: summary, Detail: detail, Form: secret.ID(), Network: p.company.network})
		return err
	})
	return n, err
}

// recover is a Portal Admin whose phone is gone: the contact form, the ticket linked to
// the account, the colleagues asked, and a day later a pass against the ticket, with
// which a new phone is set up.
func (s *story) recover(p *person) {
	if p == nil {
		return
	}
	const why = "lost the phone; proved by a call back to the office's number"
	var n ticket.Number
	desk := s.helpDesk()
	s.on(onLost, func(ctx context.Context) (err error) {
		n, err = s.byForm(ctx, p, "スマートフォンを紛失してサインインできません", "昨日スマートフォンを紛失し、確認コードを表示できなくなりました。新しい端末は手元にあります。東京支店の代表番号にお電話ください。")
		return err
	})
	s.on(onLost+0.08, func(ctx context.Context) error {
		return s.atDesk(ctx, func(ctx context.Context, tx *store.Tx, v *session.Visit) error {
			c, err := ticket.Find(ctx, tx, n)
			if err != nil {
				return err
			}
			if err := desk.Link(ctx, tx, c, ticket.Visitor(v), p.EmailKey); err != nil {
				return err
			}
			if err := desk.Note(ctx, tx, n, ticket.Said{By: ticket.Visitor(v), Text: "代表番号に折り返し、ご本人であることを確認済み。ほかのポータル管理者に依頼を送信した。", Form: secret.ID()}); err != nil {
				return err
			}
			target, err := pass.ReadCase(ctx, tx, p.Ref)
			if err != nil {
				return err
			}
			if got := target.MayGive(tx.Now(), v, false); got != pass.WhyTellThem {
				return fmt.Errorf("%w: %q", errMayNot, got)
			}
			if err := s.passes().Ask(ctx, tx, v, target, why, act.Ticket(n.String())); err != nil {
				return err
			}
			return desk.Answer(ctx, tx, n, ticket.Said{By: ticket.Visitor(v), Form: secret.ID(),
				Text: "お電話でご本人であることを確認しました。貴社のほかのポータル管理者にパスの発行をお願いしています。24時間以内に対応がない場合は、こちらから発行します。"})
		})
	})
	s.on(onLost+1.12, func(ctx context.Context) error {
		var given pass.Handed
		err := s.atDesk(ctx, func(ctx context.Context, tx *store.Tx, v *session.Visit) error {
			target, err := pass.ReadCase(ctx, tx, p.Ref)
			if err != nil {
				return err
			}
			if got := target.MayGive(tx.Now(), v, false); got != "" {
				return fmt.Errorf("%w: %q", errMayNot, got)
			}
			given, err = s.passes().GiveByOperator(ctx, tx, v, target, pass.Order{Why: why, Ticket: act.Ticket(n.String()), Way: pass.ByHand})
			if err != nil {
				return err
			}
			return desk.Answer(ctx, tx, n, ticket.Said{By: ticket.Visitor(v), Form: secret.ID(),
				Text: "パスを発行し、コードをお電話でお伝えしました。パスワードでサインインしたあとにコードを入力すると、新しい端末を設定できます。"})
		})
		if err != nil {
			return err
		}
		s.wait(20 * time.Minute)
		return s.comeBack(ctx, p, given.Pass)
	})
	s.on(onLost+1.3, func(ctx context.Context) error {
		return s.atDesk(ctx, func(ctx context.Context, tx *store.Tx, v *session.Visit) error {
			return desk.Close(ctx, tx, n, ticket.Said{By: ticket.Visitor(v), Text: "新しい端末の設定が完了したため、クローズします。", Form: secret.ID()})
		})
	})
}

// comeBack is the first verification, the pass's code, and a new phone.
func (s *story) comeBack(ctx context.Context, p *person, given pass.Pass) error {
	visit, err := s.enter(ctx, p, "code", "")
	if err != nil {
		return err
	}
	s.wait(40 * time.Second)
	err = s.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := session.Redeem(ctx, tx, visit, given.ID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, s.Keys, p.entry("account:pass:redeemed", p.Ref, map[string]string{"pass": given.ID, "way": "typed"}))
	})
	if err != nil {
		return err
	}
	p.guide = given.ID
	if err := s.proveApp(ctx, p, visit); err != nil {
		return err
	}
	p.guide = ""
	return s.signOut(ctx, p, visit)
}

func (s *story) passes() *pass.Desk {
	return &pass.Desk{Keys: s.Keys, Site: s.helpDesk().Site, BaseURL: strings.TrimSuffix(s.URL, "/")}
}

// atDesk does something as the operator, signed in with a fresh code.
func (s *story) atDesk(ctx context.Context, do func(context.Context, *store.Tx, *session.Visit) error) error {
	visit, err := s.signIn(ctx, s.operator)
	if err != nil {
		return err
	}
	s.wait(2 * time.Minute)
	v := &session.Visit{Session: visit, Person: s.operator.Account, TwoStep: true, From: operatorNetwork}
	if err := s.write(ctx, func(ctx context.Context, tx *store.Tx) error { return do(ctx, tx, v) }); err != nil {
		return err
	}
	return s.signOut(ctx, s.operator, visit)
}

// letterbox takes mail to the desk, where its address is one that mail can come to.
func (s *story) letterbox() (*ticket.Letterbox, bool) {
	desk := s.helpDesk()
	replies, err := ticket.NewReplies(s.Keys, s.Site.Contact)
	if err != nil {
		return nil, false
	}
	desk.Replies = replies
	return &ticket.Letterbox{Desk: desk, DB: s.db, Log: slog.New(slog.DiscardHandler), Wake: func() {}, Address: s.Site.Contact}, true
}

// deliver is the mail server with a mail for the desk.
func (s *story) deliver(ctx context.Context, box *ticket.Letterbox, from, to, content string) error {
	for _, one := range box.Boxes() {
		if one.Takes(to) {
			return one.Take(ctx, mail.Arrived{Sender: from, To: to, Content: []byte(content)})
		}
	}
	return errMayNot
}

// writeFromOutside is a mail of somebody whom no account names, with a file.
func (s *story) writeFromOutside(ctx context.Context) error {
	box, ok := s.letterbox()
	if !ok {
		return nil
	}
	const list = "Invoice;Date;Amount\n2018-0113;2018-03-01;1480.00 EUR\n2018-0127;2018-03-09;620.50 EUR\n"
	return s.deliver(ctx, box, outside, s.Site.Contact, strings.Join([]string{
		"From: Jana Winkler <" + outside + ">", "To: " + s.Site.Contact, "Message-ID: <20180314.1@lieferant.example>",
		"Subject: Two invoices to Brennhof", "Content-Type: multipart/mixed; boundary=part", "",
		"--part", "Content-Type: text/plain; charset=utf-8", "",
		"Hello,", "", "our two invoices to Brennhof GmbH are not in your portal yet. Whom do we send them to?", "The list is enclosed.", "", "Jana Winkler", "",
		"--part", "Content-Type: text/csv; name=invoices.csv", "Content-Disposition: attachment; filename=invoices.csv", "Content-Transfer-Encoding: base64", "",
		base64.StdEncoding.EncodeToString([]byte(list)), "--part--", "",
	}, "\r\n"))
}

// answerByMail is an author who answers the letter that says that the ticket was
// answered, with the letter quoted below, as mail programs do.
func (s *story) answerByMail(ctx context.Context, p *person, n ticket.Number) error {
	box, ok := s.letterbox()
	if !ok {
		return nil
	}
	say := s.Site.Speaker(p.Language, p.Location())
	letter := say.T("ticket.mail_answered", "name", p.Name, "portal", s.Site.Name, "ticket", n.String(), "when", say.Moment(s.clk.Now().Add(-time.Hour)),
		"address", strings.TrimSuffix(s.URL, "/")+"/tickets/"+n.String())
	words, wrote := "Thank you, that was it: automatic time was off. I have told my colleagues.", "On "+phrase.Zones{House: p.Location()}.Day(phrase.English, s.clk.Now())+", "+s.Site.Name+" wrote:"
	if p.Language == phrase.Japanese {
		words, wrote = "ありがとうございます。時刻の自動設定がオフになっていました。", phrase.Zones{House: p.Location()}.Day(phrase.Japanese, s.clk.Now())+" "+s.Site.Name+":"
	}
	text := words + "\n\n" + wrote + "\n> " + strings.ReplaceAll(letter, "\n", "\n> ")
	to := box.Desk.Replies.Address(n, p.ID)
	return s.deliver(ctx, box, p.Email, to, strings.Join([]string{"From: <" + p.Email + ">", "To: " + to, "Message-ID: <" + secret.ID() + "@" + p.company.domain + ">",
		"Subject: Re: " + n.String(), "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", strings.ReplaceAll(text, "\n", "\r\n")}, "\r\n"))
}
