package ticket

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/limit"
	"nidan/internal/mail"
	"nidan/internal/phrase"
	"nidan/internal/store"
)

// Letterbox takes mails to the desk: one to its address becomes a ticket of somebody
// unproved, whatever its From says; one that answers to a signed letter, by address or
// header, becomes a comment of whom the letter was written to. What machines write is dropped and never answered.
type Letterbox struct {
	Desk    *HelpDesk
	DB      *store.DB
	Log     *slog.Logger
	Wake    func()
	Address string   // of the desk
	Own     []string // addresses that the portal itself writes from

	one sync.Mutex // one mail's attachments at a time
}

// Bounds of mails to the desk.
const (
	largestMail = 15 << 20 // bytes, as it comes: about 10 MiB of attachments
	longMail    = 20_000   // characters of a text
)

// letters is how often one sender may write: more than anybody writes by hand. What
// comes too often waits at the mail server, and nothing of it is lost.
var letters = limit.Rate{Burst: 10, Every: 10 * time.Minute}

// errLater has the mail server bring a mail again.
var errLater = errors.New("ticket: not now")

// Boxes are where the desk's mail goes.
func (l *Letterbox) Boxes() []mail.Box {
	boxes := []mail.Box{{Most: largestMail, Take: l.take, Takes: func(address string) bool { return strings.EqualFold(address, l.Address) }}}
	if l.Desk.Replies != nil {
		boxes = append(boxes, mail.Box{Most: largestMail, Take: l.take,
			Takes: func(address string) bool { _, _, ok := l.Desk.Replies.Parse(address); return ok }})
	}
	return boxes
}

// take makes of a mail what its address says, once for each Message-ID.
func (l *Letterbox) take(ctx context.Context, a mail.Arrived) error {
	m, ok := mail.ReadMail(a.Content)
	if why := l.drops(a, m, ok); why != "" {
		l.Log.Info("a mail to the help desk was dropped", "why", why)
		return nil
	}
	l.one.Lock()
	defer l.one.Unlock()
	form := l.Desk.FormOf("mail", account.Key(m.From), m.ID)
	if m.ID == "" {
		form = l.Desk.FormOf("mail", account.Key(m.From), "", string(a.Content))
	}
	to := l.answers(a, m)
	s, reply, done, err := l.begin(ctx, to, m, form)
	if err != nil || done {
		return err
	}
	s.Form = form
	lang := languageOf(m.Subject + m.Text)
	kept, left, err := l.keep(ctx, s.By, form, m)
	if err != nil {
		return err
	}
	write := func() error {
		s.Text = l.textOf(lang, m, left)
		return l.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			if !reply {
				return l.ask(ctx, tx, a, m, lang, s)
			}
			return l.comment(ctx, tx, to, m, s)
		})
	}
	s.Attachments = idsOf(kept)
	err = write()
	if errors.Is(err, errTooMuch) && len(kept) > 0 { // the ticket holds no more: what was written is kept all the same
		l.Log.Info("a mail to the help desk lost its attachments", "why", errTooMuch.Phrase)
		for _, f := range kept {
			left = append(left, f.Name)
		}
		s.Attachments = nil
		err = write()
	}
	if err != nil || s.Attachments == nil {
		err = errors.Join(err, letGo(ctx, l.DB, s.By.Organization, idsOf(kept)))
	}
	if err == nil {
		l.Wake()
	}
	return err
}

// comment makes a comment of a mail that answers to a letter.
func (l *Letterbox) comment(ctx context.Context, tx *store.Tx, to letterOf, m mail.Read, s Said) error {
	now, ok, err := l.Desk.Replied(ctx, tx, to.ticket, to.holder, m.From)
	if err != nil {
		return err
	}
	if !ok || now.By.Ref != s.By.Ref {
		return errLater // it changed meanwhile: brought again, it is looked at anew
	}
	return l.Desk.Comment(ctx, tx, to.ticket, s)
}

// drops says why nothing becomes of a mail; empty: something does.
func (l *Letterbox) drops(a mail.Arrived, m mail.Read, ok bool) string {
	switch {
	case !ok:
		return "it cannot be read"
	case a.Sender == "":
		return "it has no sender"
	case m.Machine != "":
		return "a machine wrote it: " + m.Machine
	case m.From == "" || account.Key(m.From) == "":
		return "it has no author"
	case m.Subject == "" && m.Text == "" && len(m.Files)+len(m.Left) == 0:
		return "it is empty"
	}
	for _, own := range append([]string{l.Address}, l.Own...) {
		if strings.EqualFold(m.From, own) {
			return "the portal wrote it"
		}
	}
	if l.Desk.Replies == nil || !strings.EqualFold(a.To, l.Address) {
		return ""
	}
	for _, to := range m.To { // it is brought to that address as well
		if _, _, signed := l.Desk.Replies.Parse(to); signed {
			return "it is an answer to a ticket"
		}
	}
	return ""
}

// letterOf is what a mail answers to: a letter to a holder about a ticket. The zero
// letterOf is none.
type letterOf struct {
	ticket Number
	holder string
}

// answers finds out by signatures alone which letter a mail answers to: by the address
// that it was brought to, or, at the desk's own, by the Message-ID that it names.
func (l *Letterbox) answers(a mail.Arrived, m mail.Read) letterOf {
	if l.Desk.Replies == nil {
		return letterOf{}
	}
	if n, holder, signed := l.Desk.Replies.Parse(a.To); signed {
		return letterOf{n, holder}
	}
	if n, holder, signed := l.Desk.Replies.Find(m.Answers); signed {
		return letterOf{n, holder}
	}
	return letterOf{}
}

// begin counts the mail, and finds out what is to become of it: a comment of s, or a
// ticket. done says that it has been here before.
func (l *Letterbox) begin(ctx context.Context, to letterOf, m mail.Read, form string) (s Said, reply, done bool, err error) {
	err = l.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if to != (letterOf{}) {
			if done, err = said(ctx, tx, to.ticket, to.holder, form); err != nil || done {
				return err
			}
		}
		if _, done, err = l.Desk.Made(ctx, tx, form); err != nil || done {
			return err
		}
		again, err := limit.Try(ctx, tx, l.Desk.allowance("mail", account.Key(m.From), letters))
		if err != nil {
			return err
		}
		if !again.IsZero() {
			return errLater
		}
		if to == (letterOf{}) {
			return nil
		}
		s, reply, err = l.Desk.Replied(ctx, tx, to.ticket, to.holder, m.From)
		return err
	})
	if !reply {
		s.By = stranger(m.FromName)
	}
	return s, reply, done, err
}

// ask makes a ticket of a mail. It is acknowledged only where the envelope says who
// wrote it too (RFC 3834 §4): what is forged must not be answered to a third one.
func (l *Letterbox) ask(ctx context.Context, tx *store.Tx, a mail.Arrived, m mail.Read, lang phrase.Lang, s Said) error {
	say := l.Desk.Site.Speaker(lang, nil)
	q := Question{Email: m.From, Name: m.FromName, Language: string(lang), Summary: cutTo(m.Subject, LongSummary), Detail: s.Text, Form: s.Form,
		ByMail: true, Quiet: account.Key(a.Sender) != account.Key(m.From), Attachments: s.Attachments}
	if q.Name == "" {
		q.Name = m.From
	}
	if q.Summary == "" {
		q.Summary = say.T("ticket.mail_without_subject")
	}
	_, err := l.Desk.FromContact(ctx, tx, q)
	return err
}

// keep keeps the attachments of a mail; left are the names of those that were left out.
// What an earlier try of the same mail has left goes first, and where not all of them
// could be looked at, none is kept.
func (l *Letterbox) keep(ctx context.Context, by By, form string, m mail.Read) (kept []File, left []string, err error) {
	if len(m.Files) == 0 {
		return nil, m.Left, nil
	}
	waiting, _, err := waitingFiles(ctx, l.DB, by.Ref, form)
	if err != nil {
		return nil, nil, err
	}
	if err := letGo(ctx, l.DB, by.Organization, idsOf(waiting)); err != nil {
		return nil, nil, err
	}
	for _, file := range m.Files {
		f, err := Keep(ctx, l.DB, by.Organization, by.Ref, form, file.Name, bytes.NewReader(file.Bytes))
		switch {
		case fault.Of(err) != nil:
			left = append(left, file.Name)
		case err != nil:
			return nil, nil, errors.Join(err, letGo(ctx, l.DB, by.Organization, idsOf(kept)))
		default:
			kept = append(kept, f)
		}
	}
	return kept, append(left, m.Left...), nil
}

func idsOf(files []File) (ids []string) {
	for _, f := range files {
		ids = append(ids, f.ID)
	}
	return ids
}

// textOf is what a mail says, with what was left out of it.
func (l *Letterbox) textOf(lang phrase.Lang, m mail.Read, left []string) string {
	say := l.Desk.Site.Speaker(lang, nil)
	text, without := cutTo(m.Text, longMail), []string(nil)
	if text == "" {
		text = say.T("ticket.mail_without_text")
	}
	switch {
	case m.Text != "" && text != m.Text:
		without = append(without, say.T("ticket.mail_text_cut", "n", longMail))
	case m.More:
		without = append(without, say.T("ticket.mail_parts_cut"))
	}
	for _, name := range left {
		without = append(without, say.T("ticket.mail_left_out", "name", name))
	}
	if len(without) > 0 {
		text += "\n\n" + strings.Join(without, "\n")
	}
	return text
}

// cutTo is a text of at most so many characters.
func cutTo(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return strings.TrimSpace(string([]rune(text)[:most-1])) + "…"
}

// languageOf is the language that a text is answered in: Japanese where there is any.
func languageOf(text string) phrase.Lang {
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han) }) {
		return phrase.Japanese
	}
	return phrase.English
}
