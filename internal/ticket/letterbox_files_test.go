package ticket

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"nidan/internal/account"
	"nidan/internal/mail"
	"nidan/internal/store/storetest"
)

// withFiles is the rest of a mail with a text and files, each "name" and what is in it.
func withFiles(text string, files ...string) string {
	var b strings.Builder
	b.WriteString("Subject: with files\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n" + text + "\n")
	for i := 0; i+1 < len(files); i += 2 {
		b.WriteString("--b\nContent-Type: application/octet-stream; name=" + files[i] + "\nContent-Disposition: attachment; filename=" + files[i] +
			"\nContent-Transfer-Encoding: base64\n\n" + base64.StdEncoding.EncodeToString([]byte(files[i+1])) + "\n")
	}
	return b.String() + "--b--\n"
}

func some(n int) (files []string) {
	for i := range n {
		files = append(files, fmt.Sprintf("%d.txt", i+1), "x")
	}
	return files
}

// A ticket that is full of attachments takes what was written all the same.
func TestAMailToAFullTicketLosesItsFilesAndNotItsText(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		l, haruka := s.letterbox(), s.person(s.org, "Haruka Sato", "en")
		s.to(s.serve(haruka, upload("/tickets/new", append([]string{"form", strings.Repeat("a", 36)}, announced...), some(MostFiles)...)), "/tickets/T-1?done=created")
		to := s.room.Replies.Address(1, haruka.Ref.ID)
		for range 2 {
			s.brings(l, letter(haruka.Person.Email, to, "1@x", withFiles("It says this.", "screen.txt", "y", "virus.exe", "MZ\x90\x00\x03\x00\x00\x00\xff\xff", "log.txt", "z")))
		}
		s.is(s.ask(haruka, "GET", "/tickets/T-1"), 200, "It says this.", "screen.txt was left out", "virus.exe was left out", "log.txt was left out")
		if s.count("ticket_entry where kind = 'comment'") != 1 || s.count("attachment") != MostFiles || s.count("ticket") != 1 {
			t.Errorf("%d comments, %d files", s.count("ticket_entry where kind = 'comment'"), s.count("attachment"))
		}
		s.brings(l, letter(haruka.Person.Email, to, "2@x", withFiles("画面です。", "screen.txt", "y")))
		s.is(s.ask(haruka, "GET", "/tickets/T-1"), 200, "画面です。", "screen.txt は取り込まれませんでした")
	})
}

// Strangers are not told apart by who they are: what waits of one is not in another's way.
func TestMailsOfStrangersShareNoAllowance(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		l, mika := s.letterbox(), s.staff("Mika")
		nobody := account.Ref{}
		for i := range mostWaiting {
			_, err := Keep(t.Context(), s.DB, "", nobody, fmt.Sprintf("a form of somebody %d", i/MostFiles), "one.txt", strings.NewReader("x"))
			must(t, err)
		}
		s.brings(l, letter("a@b.example", "help@portal.example", "1@x", withFiles("See.", some(MostFiles+1)...)))
		s.is(s.ask(mika, "GET", "/operator/tickets/T-1"), 200, "20.txt", "21.txt was left out")
		if n := s.count("attachment where number = 1"); n != MostFiles {
			t.Errorf("%d files", n)
		}
		// All of them together have a bound: beyond it a mail waits at the mail server.
		s.exec(`update attachment set size = %d where id = (select min(id) from attachment where number is null)`, mostStrange)
		a := letter("c@d.example", "help@portal.example", "2@x", withFiles("Later.", "one.txt", "x"))
		if err := l.take(t.Context(), a); !errors.Is(err, errStrangers) {
			t.Errorf("%v", err)
		}
		s.brings(l, letter("e@f.example", "help@portal.example", "3@x", "Subject: without files"))
		if s.count("ticket") != 2 || s.waiting() != mostWaiting {
			t.Errorf("%d tickets, %d files wait", s.count("ticket"), s.waiting())
		}
		s.exec(`delete from attachment where number is null`)
		s.brings(l, a)
		s.is(s.ask(mika, "GET", "/operator/tickets/T-3"), 200, "Later.", "one.txt")
	})
}

// A mail of which nothing becomes leaves no files behind.
func TestAMailThatHasToComeAgainLeavesNoFiles(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		l := s.letterbox()
		s.exec(`update ticket_counter set latest = latest where id = %d`, 1)
		s.exec(`delete from ticket_counter where id = %d`, 1) // no ticket can be made
		a := letter("a@b.example", "help@portal.example", "1@x", withFiles("See.", some(3)...))
		if l.take(t.Context(), a) == nil {
			t.Error("a mail was taken of which nothing became")
		}
		if n := s.waiting(); n != 0 {
			t.Errorf("%d files wait", n)
		}
		s.exec(`insert into ticket_counter (id, latest) values (%d, 0)`, 1)
		s.brings(l, a)
		if s.count("attachment where number = 1") != 3 || s.waiting() != 0 {
			t.Error("the second time it is not there whole")
		}
	})
}

// Whatever is not taken of a mail, the entry says so.
func TestWhatIsLeftOutOfAMailIsSaid(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		l, mika := s.letterbox(), s.staff("Mika")
		brought := 0
		for name, c := range map[string]struct {
			rest        string
			says, says2 string // empty: nothing was left out
		}{
			"a short text":     {"Subject: x\n\nshort", "", ""},
			"the longest text": {"Subject: x\n\n" + strings.Repeat("a", longMail), "", ""},
			"a longer text":    {"Subject: x\n\n" + strings.Repeat("a", longMail+1), "The rest of this mail was left out: it is longer than 20,000 characters.", ""},
			"a Japanese text":  {"Subject: x\n\n" + strings.Repeat("あ", longMail+1), "このメールは20,000文字を超えるため、以降は取り込まれませんでした。", ""},
			"25 files":         {withFiles("See.", some(MostFiles+5)...), "21.txt was left out", "25.txt was left out"},
			"200 files":        {withFiles("See.", some(200)...), "21.txt was left out", "made of too many parts"},
		} {
			s.brings(l, letter(fmt.Sprintf("a%d@b.example", brought), "help@portal.example", "1@x", c.rest))
			brought++
			got := s.ask(mika, "GET", fmt.Sprintf("/operator/tickets/T-%d", brought))
			s.is(got, 200, c.says, c.says2)
			if said := strings.Contains(got.Body.String(), "left out") || strings.Contains(got.Body.String(), "取り込まれません"); said != (c.says != "") {
				t.Errorf("%s: %v", name, said)
			}
		}
	})
}

// What came by mail is marked as such, for everybody who reads it: a letter that was
// passed on and a forged From look like its reader.
func TestWhatCameByMailIsMarked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		l, haruka, mika := s.letterbox(), s.person(s.org, "Haruka Sato", "en"), s.staff("Mika")
		s.opened(haruka)
		s.ask(haruka, "POST", "/tickets/T-1", append(s.form(haruka, "/tickets/T-1"), "act", "comment", "text", "typed")...)
		for _, see := range []string{s.ask(haruka, "GET", "/tickets/T-1").Body.String(), s.ask(mika, "GET", "/operator/tickets/T-1").Body.String()} {
			if strings.Contains(see, "by mail, not signed in") {
				t.Error("what was typed here is marked")
			}
		}
		for _, a := range []mail.Arrived{letter(haruka.Person.Email, s.room.Replies.Address(1, haruka.Ref.ID), "1@x", "Subject: x\n\nmailed"),
			letter(haruka.Person.Email, "help@portal.example", "2@x", "Subject: x\n\nmailed")} {
			s.brings(l, a)
		}
		s.is(s.ask(haruka, "GET", "/tickets/T-1"), 200, "mailed", "by mail, not signed in")
		s.is(s.ask(mika, "GET", "/operator/tickets/T-1"), 200, "mailed", "by mail, not signed in")
		s.is(s.ask(mika, "GET", "/operator/tickets/T-2"), 200, "mailed", "by mail, not signed in")
		s.is(s.ask(haruka, "GET", "/tickets/T-1?lang=ja"), 200, "メールで届いたコメント（サインインなし）")
		s.is(s.ask(mika, "GET", "/operator/tickets/T-2?lang=ja"), 200, "メールで届いたお問い合わせ（サインインなし）")
		if s.count("ticket_entry where by_mail") != 2 || s.count("ticket_entry") != 4 {
			t.Errorf("%d of %d entries are marked", s.count("ticket_entry where by_mail"), s.count("ticket_entry"))
		}
	})
}
