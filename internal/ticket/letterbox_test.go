package ticket

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"nidan/internal/account"
	"nidan/internal/mail"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// letterbox is the desk's, as the portal has it.
func (s *scene) letterbox() *Letterbox {
	return &Letterbox{Desk: s.room.Desk, DB: s.DB, Log: slog.New(slog.NewTextHandler(s.t.Output(), nil)), Wake: func() {},
		Address: "help@portal.example", Own: []string{"portal@portal.example"}}
}

// letter is a mail as somebody writes it.
func letter(from, to, id string, more ...string) mail.Arrived {
	text := strings.Join(more, "\n")
	if !strings.Contains(text, "\n\n") {
		text += "\n\nI cannot sign in.\n"
	}
	return mail.Arrived{Sender: from, To: to, Content: []byte("From: Somebody <" + from + ">\nTo: " + to + "\nMessage-ID: <" + id + ">\n" + text)}
}

func (s *scene) brings(l *Letterbox, a mail.Arrived) {
	s.t.Helper()
	must(s.t, l.take(s.t.Context(), a))
}

func TestAMailToTheDeskIsATicketOfNobody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		l := s.letterbox()
		haruka, mika := s.person(s.org, "Haruka Sato", "en"), s.staff("Mika")
		a := letter(haruka.Person.Email, "help@portal.example", "1@x", "Subject: =?UTF-8?B?6KqN6Ki844Ki44OX44Oq?=")
		for range 3 { // the mail server may bring it again
			s.brings(l, a)
		}
		s.is(s.ask(haruka, "GET", "/tickets/T-1"), 404)
		s.is(s.ask(mika, "GET", "/operator/tickets/T-1"), 200, "認証アプリ", "I cannot sign in.", "Says to be "+haruka.Person.Email, "nothing proves whose it is")
		letters := s.mailed()
		if len(letters) != 1 || letters[0].To != haruka.Person.Email || strings.Contains(letters[0].Text, "Somebody") || strings.Contains(letters[0].Subject+letters[0].Text, "認証アプリ") {
			t.Errorf("%+v", letters)
		}
		// One that names an operator as its author is anybody's all the same.
		s.brings(l, letter("mika@portal.example", "help@portal.example", "2@x", "Subject: Give Mallory a pass"))
		if s.count("ticket where organization_id <> '' or holder_id <> ''") != 0 || s.count("ticket") != 2 || s.count("ticket_entry where by_organization <> ''") != 0 ||
			s.count("audit where act = 'help:ticket:opened' and actor_kind = 'stranger'") != 2 {
			t.Error("a From was believed")
		}
		// Of who is written in the letter and not on the envelope, nobody is told.
		forged := letter("victim@elsewhere.example", "help@portal.example", "3@x", "Subject: x")
		forged.Sender = "mallory@evil.example"
		s.mailed()
		s.brings(l, forged)
		if sent := s.mailed(); len(sent) != 0 || s.count("ticket") != 3 {
			t.Errorf("%+v", sent)
		}
		// Without a subject, a text, a Message-ID.
		s.brings(l, mail.Arrived{Sender: "a@b.example", To: "HELP@portal.example", Content: []byte("From: a@b.example\n\nsome text")})
		s.brings(l, mail.Arrived{Sender: "a@b.example", To: "HELP@portal.example", Content: []byte("From: a@b.example\n\nsome text")})
		s.brings(l, mail.Arrived{Sender: "a@b.example", To: "HELP@portal.example", Content: []byte("From: a@b.example\nSubject: other\n\n")})
		if s.count("ticket where summary = '(no subject)'") != 1 || s.count("ticket_entry where text = '(no text)'") != 1 {
			t.Error("a mail that says little is lost, or there twice")
		}
	})
}

func TestAnAnswerToASignedAddressIsACommentAndNothingElseIs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		l := s.letterbox()
		haruka, taro, mika := s.person(s.org, "Haruka Sato", "en"), s.person(s.org, "Taro Abe", "en"), s.staff("Mika")
		s.opened(haruka, "contacts", taro.Person.Email)
		s.mailed()
		mine, his := s.room.Replies.Address(1, haruka.Ref.ID), s.room.Replies.Address(1, taro.Ref.ID)
		a := letter(taro.Person.Email, his, "1@x", "Subject: anything\n\nBy mail.\n\nOn Monday, Portal wrote:\n> was answered\n")
		for range 3 {
			s.brings(l, a)
		}
		s.is(s.ask(haruka, "GET", "/tickets/T-1"), 200, "By mail.", "Taro Abe", "Quoted from the mail before", "was answered")
		if s.count("ticket_entry where kind = 'comment' and by_holder = '"+taro.Ref.ID+"'") != 1 || s.count("ticket") != 1 ||
			s.count(`audit where act = 'help:ticket:commented' and detail like '%"by":"mail"%'`) != 1 {
			t.Error("an answer is not one comment with one record")
		}
		if sent := s.mailed(); len(sent) != 1 || sent[0].To != haruka.Person.Email || strings.Contains(sent[0].Text, "By mail.") {
			t.Errorf("%+v", sent)
		}
		// None of these is in the thread; what somebody wrote is a ticket of nobody.
		for i, other := range []mail.Arrived{
			letter("mallory@evil.example", his, "2@x", "Subject: Re: T-1"),                                                              // a letter that was passed on
			letter(taro.Person.Email, mine, "3@x", "Subject: Re: T-1"),                                                                  // another one's address
			letter(taro.Person.Email, "help@portal.example", "4@x", "Subject: Re: T-1 was answered", "In-Reply-To: <x@portal.example>"), // by subject
		} {
			s.brings(l, other)
			if s.count("ticket_entry where number = 1") != 2 || s.count("ticket") != 2+i {
				t.Errorf("mail %d is in the thread, or lost", i)
			}
		}
		for _, wrong := range []string{strings.Replace(his, "+t1.", "+t2.", 1), his[:len(his)-20] + "aaaaa" + his[len(his)-15:], "help+t1@portal.example", "help+x@portal.example", "abe@portal.example"} {
			for _, box := range l.Boxes() {
				if box.Takes(wrong) {
					t.Errorf("%s is taken", wrong)
				}
			}
		}
		// Also sent to the desk, it is one comment and no ticket.
		both := letter(haruka.Person.Email, "help@portal.example", "5@x", "Subject: Re", "Cc: "+mine)
		s.brings(l, both)
		both.To = mine
		s.brings(l, both)
		if s.count("ticket") != 4 || s.count("ticket_entry where number = 1") != 3 {
			t.Error("a mail to both addresses is there twice")
		}
		// After a suspension, and after the end: a ticket of nobody.
		s.in(func(ctx context.Context, tx *store.Tx) error { return account.Suspend(ctx, tx, taro.Ref, "test") })
		s.brings(l, letter(taro.Person.Email, his, "6@x", "Subject: suspended"))
		s.ask(haruka, "POST", "/tickets/T-1", append(s.form(haruka, "/tickets/T-1"), "act", "close", "text", "")...)
		s.brings(l, letter(haruka.Person.Email, mine, "7@x", "Subject: closed"))
		s.brings(l, both) // what was a comment before the end stays one
		if s.count("ticket where summary in ('suspended', 'closed') and organization_id = ''") != 2 || s.count("ticket") != 6 {
			t.Error("after the end a mail is lost, or there twice")
		}
		_ = mika
	})
}

// A mail program that answers to the desk's own address still names the letter's
// Message-ID, which is signed: the same holds of it as of a signed address.
func TestAnAnswerToTheDesksAddressIsKnownByASignedHeader(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		l := s.letterbox()
		haruka, taro, mika := s.person(s.org, "Haruka Sato", "en"), s.person(s.org, "Taro Abe", "en"), s.staff("Mika")
		s.opened(haruka, "contacts", taro.Person.Email)
		ids := map[string]string{}
		for _, m := range s.mailed() {
			ids[m.To] = m.MessageID
		}
		mine, his := ids[haruka.Person.Email], ids[taro.Person.Email]
		answer := func(from, id, header, text string) mail.Arrived {
			return letter(from, "help@portal.example", id, "Subject: no number here", header, "\n"+text)
		}
		a := answer(taro.Person.Email, "1@x", "In-Reply-To: <"+his+">", "By header.")
		for range 3 {
			s.brings(l, a)
		}
		s.brings(l, answer(haruka.Person.Email, "2@x", "References: <first@aozora.example> <"+mine+"> <later@aozora.example>", "By references."))
		s.brings(l, answer(haruka.Person.Email, "3@x", "In-Reply-To: <"+strings.ToUpper(mine)+">", "In capitals."))
		s.is(s.ask(mika, "GET", "/operator/tickets/T-1"), 200, "By header.", "By references.", "In capitals.")
		if s.count("ticket") != 1 || s.count("ticket_entry where kind = 'comment' and by_holder = '"+taro.Ref.ID+"'") != 1 ||
			s.count("ticket_entry where kind = 'comment' and by_holder = '"+haruka.Ref.ID+"'") != 2 {
			t.Error("an answer is not one comment of whom the letter was written to")
		}
		// What signs an address signs no header, nor the other way round, and a letter's
		// Message-ID is of one ticket and one reader.
		local, _, _ := strings.Cut(s.room.Replies.Address(1, haruka.Ref.ID), "@")
		address := strings.TrimPrefix(local, "help+")
		for i, c := range []struct{ from, header string }{
			{"mallory@evil.example", "In-Reply-To: <" + his + ">"},                         // a letter that was passed on
			{taro.Person.Email, "In-Reply-To: <" + mine + ">"},                             // another one's letter
			{haruka.Person.Email, "In-Reply-To: <x." + address + "@y>"},                    // made of a signed address
			{haruka.Person.Email, "In-Reply-To: <" + mine[1:] + "x>"},                      // the rest of it does not matter …
			{haruka.Person.Email, "In-Reply-To: <" + mine[36:37] + "t9" + mine[39:] + ">"}, // … the ticket does
			{haruka.Person.Email, "In-Reply-To: <T-1@portal.example>"},
		} {
			before := s.count("ticket_entry where number = 1")
			s.brings(l, answer(c.from, fmt.Sprint("wrong", i, "@x"), c.header, "Wrong."))
			if in := s.count("ticket_entry where number = 1") - before; (in == 1) != (i == 3) || in > 1 {
				t.Errorf("mail %d: %d entries in the thread", i, in)
			}
		}
		if n := s.count("ticket where organization_id = ''"); n != 5 {
			t.Errorf("%d tickets of nobody", n)
		}
		// A signed address decides before any header.
		s.opened(haruka)
		s.brings(l, letter(haruka.Person.Email, s.room.Replies.Address(7, haruka.Ref.ID), "4@x", "Subject: x", "In-Reply-To: <"+mine+">", "\nTo T-7."))
		if s.count("ticket_entry where number = 7 and kind = 'comment'") != 1 {
			t.Error("a header led away from the signed address")
		}
		for _, box := range l.Boxes() {
			if box.Takes("help+" + s.room.Replies.Mark(1, haruka.Ref.ID) + "@portal.example") {
				t.Error("what signs a header makes an address")
			}
		}
		s.ask(haruka, "POST", "/tickets/T-1", append(s.form(haruka, "/tickets/T-1"), "act", "close", "text", "")...)
		s.brings(l, answer(haruka.Person.Email, "5@x", "In-Reply-To: <"+mine+">", "After the end."))
		s.brings(l, a) // what was a comment before the end stays one
		if s.count("ticket where organization_id = ''") != 6 || s.count("ticket_entry where text = 'By header.'") != 1 {
			t.Error("after the end a mail is lost, or there twice")
		}
	})
}

// Somebody without an account answers to what the desk has written him.
func TestWhoHasNoAccountAnswersByMail(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		l, mika := s.letterbox(), s.staff("Mika")
		s.brings(l, letter("nobody@elsewhere.example", "help@portal.example", "1@x", "Subject: hello"))
		s.mailed()
		answer := func() {
			s.ask(mika, "POST", "/operator/tickets/T-1", append(s.form(mika, "/operator/tickets/T-1"), "act", "answer", "text", "Call us.")...)
		}
		answer()
		sent := s.mailed()
		if len(sent) != 1 || !strings.Contains(sent[0].Text, "Call us.") || !strings.HasPrefix(sent[0].ReplyTo, "help+t1.") {
			t.Fatalf("%+v", sent)
		}
		s.brings(l, letter("nobody@elsewhere.example", sent[0].ReplyTo, "2@x", "Subject: Re\n\nI have called.\n"))
		s.is(s.ask(mika, "GET", "/operator/tickets/T-1"), 200, "I have called.")
		if s.count("ticket") != 1 || s.count("ticket where state = 'open'") != 1 {
			t.Error("an answer has not opened the ticket again")
		}
		// Once the person is linked, what the desk says goes to the stored address alone,
		// and the typed one's answers are in the thread no more.
		haruka := s.person(s.org, "Haruka Sato", "en")
		s.to(s.ask(mika, "POST", "/operator/tickets/T-1", "act", "link", "person", haruka.Person.Email), "/operator/tickets/T-1?done=linked")
		answer()
		if told := s.mailed(); len(told) != 1 || told[0].To != haruka.Person.Email {
			t.Errorf("%+v", told)
		}
		s.brings(l, letter("nobody@elsewhere.example", sent[0].ReplyTo, "3@x", "Subject: Re\n\nAnd again.\n"))
		if s.count("ticket_entry where number = 1 and text like '%And again%'") != 0 || s.count("ticket") != 2 {
			t.Error("the typed address is believed after the link")
		}
	})
}

// What machines write, and what nobody can read, is accepted and nothing becomes of it.
func TestLoopsEndAndBrokenMailsAreDropped(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		l, haruka := s.letterbox(), s.person(s.org, "Haruka Sato", "en")
		s.opened(haruka)
		s.mailed()
		signed := s.room.Replies.Address(1, haruka.Ref.ID)
		for i, header := range []string{"Auto-Submitted: auto-replied", "Auto-Submitted: auto-generated", "Precedence: bulk", "Precedence: list", "Precedence: junk",
			"List-Id: <x.example>", "X-Autoreply: yes", "X-Vacation: yes", "Content-Type: multipart/report; boundary=x"} {
			for _, to := range []string{"help@portal.example", signed} {
				s.brings(l, letter(haruka.Person.Email, to, fmt.Sprint(i, "@x"), "Subject: away", header))
			}
		}
		bounce := letter(haruka.Person.Email, signed, "b@x", "Subject: x")
		bounce.Sender = ""
		for _, a := range []mail.Arrived{bounce,
			letter("portal@portal.example", "help@portal.example", "c@x", "Subject: x"), letter("help@portal.example", signed, "d@x", "Subject: x"),
			{Sender: "a@b.example", To: signed, Content: nil}, {Sender: "a@b.example", To: signed, Content: []byte("\x00\x01\xff")},
			{Sender: "a@b.example", To: "help@portal.example", Content: []byte("From: a@b.example\n\n")},
			{Sender: "a@b.example", To: "help@portal.example", Content: []byte("Subject: x\n\nx")},
		} {
			s.brings(l, a)
		}
		if sent := s.mailed(); len(sent) != 0 || s.count("ticket") != 1 || s.count("ticket_entry") != 1 || s.count("attachment") != 0 {
			t.Errorf("something became of them: %d tickets, %d entries, %+v", s.count("ticket"), s.count("ticket_entry"), sent)
		}
	})
}

func TestWhoWritesTooOftenWaitsAtTheMailServer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		l := s.letterbox()
		refused := 0
		for i := range letters.Burst + 5 {
			if l.take(t.Context(), letter("Loop@elsewhere.example", "help@portal.example", fmt.Sprint(i, "@x"), "Subject: x")) != nil {
				refused++
			}
		}
		if refused != 5 || s.count("ticket") != letters.Burst {
			t.Errorf("%d refused, %d tickets", refused, s.count("ticket"))
		}
		s.brings(l, letter("loop@elsewhere.example", "help@portal.example", "0@x", "Subject: x")) // here before: not counted
		s.brings(l, letter("other@elsewhere.example", "help@portal.example", "0@x", "Subject: x"))
		s.Clock.Set(s.Clock.Now().Add(letters.Every))
		s.brings(l, letter("loop@elsewhere.example", "help@portal.example", fmt.Sprint(letters.Burst, "@x"), "Subject: x"))
		if s.count("ticket") != letters.Burst+2 {
			t.Error(s.count("ticket"))
		}
		if sent := s.mailed(); len(sent) != 2 {
			t.Errorf("%d acknowledgements to two senders", len(sent))
		}
	})
}

func TestAttachmentsComeByMailWithinTheLimitsOfTickets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		l, haruka, mika := s.letterbox(), s.person(s.org, "Haruka Sato", "en"), s.staff("Mika")
		s.opened(haruka)
		file := func(name, content string) string {
			return "--b\nContent-Type: application/octet-stream; name=" + name + "\nContent-Disposition: attachment; filename=" + name + "\nContent-Transfer-Encoding: base64\n\n" +
				base64.StdEncoding.EncodeToString([]byte(content)) + "\n"
		}
		png := "\x89PNG\r\n\x1a\n" + strings.Repeat("x", chunk+5)
		mixed := "Subject: with files\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nSee the picture.\n" + file("screen.png", png) + file("virus.exe", "MZ\x90\x00\x03\x00\x00\x00\xff\xff") + "--b--\n"
		for range 2 {
			s.brings(l, letter(haruka.Person.Email, s.room.Replies.Address(1, haruka.Ref.ID), "1@x", mixed))
			s.brings(l, letter("a@b.example", "help@portal.example", "2@x", mixed))
		}
		s.is(s.ask(haruka, "GET", "/tickets/T-1"), 200, "See the picture.", "screen.png", "virus.exe was left out")
		s.is(s.ask(mika, "GET", "/operator/tickets/T-2"), 200, "screen.png", "virus.exe was left out")
		if s.count("attachment where number is not null and whole") != 2 || s.count("attachment") != 2 || s.count("attachment_chunk") != 4 {
			t.Errorf("%d files in %d pieces", s.count("attachment"), s.count("attachment_chunk"))
		}
		if s.count("attachment where organization_id = '"+s.org+"' and number = 1") != 1 || s.count("attachment where organization_id = '' and number = 2") != 1 {
			t.Error("a file is of another organization than its ticket")
		}
	})
}

func TestWhatIsRepeatedAtTheEndIsFolded(t *testing.T) {
	for text, want := range map[string][2]string{
		"hello":          {"hello", ""},
		"hello\n> quote": {"hello", "> quote"},
		"hello\n\nOn Monday, X wrote:\n> a\n>\n> b\n":        {"hello", "On Monday, X wrote:\n> a\n>\n> b"},
		"hello\n\nOn Monday, X\n<x@y.example> wrote:\n\n> a": {"hello", "On Monday, X\n<x@y.example> wrote:\n\n> a"},
		"了解です。\n\n2018年3月5日 10:00 X:\n> 回答":                  {"了解です。", "2018年3月5日 10:00 X:\n> 回答"},
		"> asked\nanswered below":                            {"> asked\nanswered below", ""},
		"> a\nb\n> c":                                        {"> a\nb", "> c"},
		"> quote alone":                                      {"> quote alone", ""},
		"new\n-----Original Message-----\nFrom: x\nold":      {"new", "-----Original Message-----\nFrom: x\nold"},
		"new\n________________________________\nold":         {"new", "________________________________\nold"},
		"": {"", ""},
	} {
		own, repeated := Fold(text)
		if own != want[0] || repeated != want[1] {
			t.Errorf("%q: %q and %q", text, own, repeated)
		}
	}
}

func TestALetterboxWithoutSignedAddressesTakesTicketsAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		l := s.letterbox()
		l.Desk = &HelpDesk{Keys: s.Keys, Site: s.room.Desk.Site, Address: s.room.Desk.Address, Hours: business}
		if len(l.Boxes()) != 1 {
			t.Error("answers are taken")
		}
		s.brings(l, letter("a@b.example", "help@portal.example", "1@x", "Subject: x"))
		if s.count("ticket") != 1 || s.mailed()[0].ReplyTo != "" {
			t.Error("no ticket, or an address that leads nowhere")
		}
	})
}
