package mail

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"nidan/internal/phrase"
	"nidan/internal/store/storetest"
)

const from = "二段 Portal <portal@example.com>"

func dialing(t *testing.T, address string, r *relay) *SMTP {
	t.Helper()
	s, err := NewSMTP(address, from, Trusting(r.roots))
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func message(to string) Message {
	text := "Your code is " + theCode + ".\n\n.\nIt is good for ten minutes.\n"
	return Message{ID: "m1", From: from, To: to, Language: phrase.English, Subject: "Your verification code",
		Text: text, HTML: page(phrase.English, "Your verification code", text), MessageID: "m1@example.com", At: storetest.Start}
}

func TestTheAddressOfARelay(t *testing.T) {
	table := []struct {
		address, name string
		secrecy       secrecy
	}{
		{"smtp://mail.example.com", "mail.example.com:25", required},
		{"smtp://u:p@mail.example.com", "mail.example.com:587", required},
		{"smtp://mail.example.com:2525/", "mail.example.com:2525", required},
		{"smtp://mail.example.com?starttls=required", "mail.example.com:25", required},
		{"smtp://mail.example.com?starttls=opportunistic", "mail.example.com:25", opportunistic},
		{"smtp://u:p@mail.example.com?starttls=opportunistic", "mail.example.com:587", opportunistic},
		{"smtp://mail.example.com?starttls=never", "mail.example.com:25", never},
		{"smtp://10.0.0.5", "10.0.0.5:25", required},
		{"smtp://127.0.0.1", "127.0.0.1:25", never},
		{"smtp://[::1]:2525", "[::1]:2525", never},
		{"smtp://localhost", "localhost:25", never},
		{"smtp://localhost?starttls=required", "localhost:25", required},
		{"smtp://localhost.example.com", "localhost.example.com:25", required},
		{"smtps://mail.example.com", "mail.example.com:465", implicit},
		{"smtps://u:p@127.0.0.1:4650", "127.0.0.1:4650", implicit},
	}
	for _, row := range table {
		s, err := NewSMTP(row.address, from)
		if err != nil {
			t.Errorf("%s: %v", row.address, err)
		} else if s.Name() != row.name || s.secrecy != row.secrecy {
			t.Errorf("%s: %s %d, want %s %d", row.address, s.Name(), s.secrecy, row.name, row.secrecy)
		}
	}
	for _, address := range []string{
		"", "mail.example.com", "smtp://", "http://u:hunter2@mail.example.com", "smtp://u:hunter2@mail.example.com/path",
		"smtp://mail.example.com?starttls=maybe", "smtps://mail.example.com?starttls=never", "smtp://mail.example.com?tls=1",
		"smtp://u:hunter2@mail.example.com:port", "smtp://u:hunter2%zz@mail.example.com",
		"smtp://u:hunter2@mail.example.com?starttls=never",
	} {
		if _, err := NewSMTP(address, from); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, sender := range []string{"", "portal", "a@example.com, b@example.com", "Portal <portal@example.com>\r\nBcc: x@example.com"} {
		if _, err := NewSMTP("smtp://localhost", sender); err == nil {
			t.Errorf("From %q was let through", sender)
		}
	}
}

func TestMailGoesThroughEachKindOfConnection(t *testing.T) {
	user := url.UserPassword("nidan", relayPassword).String() + "@"
	for name, c := range map[string]struct {
		relay           *relay
		scheme, options string
	}{
		"plain on this machine":  {&relay{}, "smtp://", ""},
		"STARTTLS":               {&relay{secure: true}, "smtp://", "?starttls=required"},
		"STARTTLS with password": {&relay{secure: true, auth: true}, "smtp://" + user, "?starttls=required"},
		"opportunistic, offered": {&relay{secure: true}, "smtp://", "?starttls=opportunistic"},
		"opportunistic, not":     {&relay{}, "smtp://", "?starttls=opportunistic"},
		"implicit TLS":           {&relay{implicit: true}, "smtps://", ""},
		"implicit with password": {&relay{implicit: true, auth: true}, "smtps://" + user, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.relay.open(t)
			s := dialing(t, c.scheme+r.address+c.options, r)
			must(t, s.Check(context.Background()))
			if len(r.deliveries()) != 0 {
				t.Error("a check sent something")
			}
			must(t, s.Send(context.Background(), message("hanako@example.com")))
			got := r.deliveries()
			if len(got) != 1 || got[0].from != "portal@example.com" || got[0].to != "hanako@example.com" {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestWhereItIsNotSafeNothingIsSent(t *testing.T) {
	for name, c := range map[string]struct {
		relay         *relay
		scheme, query string
		stranger      bool // the relay's certificate is nobody's we trust
		step          string
	}{
		"no STARTTLS":            {&relay{}, "smtp://", "?starttls=required", false, "tls"},
		"strange certificate":    {&relay{secure: true}, "smtp://", "?starttls=required", true, "tls"},
		"strange, opportunistic": {&relay{secure: true}, "smtp://", "?starttls=opportunistic", true, "tls"},
		"strange, implicit":      {&relay{implicit: true}, "smtps://", "", true, "tls"},
		"wrong password":         {&relay{secure: true, auth: true}, "smtp://nidan:wrong-one@", "?starttls=required", false, "auth"},
		"no AUTH offered":        {&relay{secure: true}, "smtp://nidan:wrong-one@", "?starttls=required", false, "auth"},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.relay.open(t)
			s := dialing(t, c.scheme+r.address+c.query, r)
			if c.stranger {
				_, s.roots = certificate(t)
			}
			for _, err := range []error{s.Check(context.Background()), s.Send(context.Background(), message("hanako@example.com"))} {
				var failure *Failure
				if !errors.As(err, &failure) || failure.Step != c.step || failure.Permanent || strings.Contains(err.Error(), "wrong-one") {
					t.Errorf("%v", err)
				}
			}
			if len(r.deliveries()) != 0 {
				t.Error("sent all the same")
			}
		})
	}
}

// TestAPasswordIsNotShownToWhoTookTLSAway: an attacker between us and the relay
// removes STARTTLS from its answer and offers AUTH.
func TestAPasswordIsNotShownToWhoTookTLSAway(t *testing.T) {
	r := (&relay{auth: true}).open(t)
	s := dialing(t, "smtp://nidan:open-sesame@"+r.address+"?starttls=opportunistic", r)
	s.local, s.host = false, "mail.example.com"
	conn, err := net.Dial("tcp", r.address)
	must(t, err)
	c := &connection{conn: conn}
	defer c.drop()
	if failure := s.greet(context.Background(), c); failure == nil || failure.Step != stepAuth || failure.Code != 0 {
		t.Errorf("%v", failure)
	}
}

func TestOneConnectionCarriesManyMails(t *testing.T) {
	r := (&relay{secure: true}).open(t)
	r.onRcpt = func(to string) error {
		if strings.HasPrefix(to, "nobody") {
			return answer(550, 5, 1, 1, "no such mailbox")
		}
		return nil
	}
	s := dialing(t, "smtp://"+r.address+"?starttls=required", r)
	for i := range 50 {
		must(t, s.Send(context.Background(), message(fmt.Sprintf("person%d@example.com", i))))
		if err := s.Send(context.Background(), message("nobody@example.com")); err == nil {
			t.Fatal("the refusal was lost")
		}
	}
	if n, mails := r.connections(), len(r.deliveries()); n != 1 || mails != 50 {
		t.Errorf("%d connections for %d mails", n, mails)
	}
}

func TestAConnectionThatTheRelayClosedIsReplacedUnseen(t *testing.T) {
	r := (&relay{}).open(t)
	s := dialing(t, "smtp://"+r.address, r)
	must(t, s.Send(context.Background(), message("a@example.com")))
	r.hangUp()
	must(t, s.Send(context.Background(), message("b@example.com")))
	first := true
	r.onMail = func() error {
		if first {
			first = false
			return answer(421, 4, 7, 0, "too many mails on this connection")
		}
		return nil
	}
	must(t, s.Send(context.Background(), message("c@example.com")))
	if n, mails := r.connections(), r.deliveries(); n != 3 || len(mails) != 3 {
		t.Errorf("%d connections, mails %+v", n, mails)
	}
}

func TestAnIdleConnectionIsRetired(t *testing.T) {
	r := (&relay{}).open(t)
	s := dialing(t, "smtp://"+r.address, r)
	must(t, s.Send(context.Background(), message("a@example.com")))
	s.retire(s.idle[0])
	if len(s.idle) != 0 {
		t.Error("still kept")
	}
	must(t, s.Send(context.Background(), message("b@example.com")))
	if r.connections() != 2 {
		t.Error("used after it was retired")
	}
}

func TestRefusalsAreReadRight(t *testing.T) {
	for name, c := range map[string]struct {
		set       func(r *relay, err error)
		err       error
		want      string
		permanent bool
	}{
		"recipient, for now":  {func(r *relay, err error) { r.onRcpt = func(string) error { return err } }, answer(451, 4, 7, 1, "greylisted"), "rcpt to: 451 4.7.1 greylisted", false},
		"recipient, for good": {func(r *relay, err error) { r.onRcpt = func(string) error { return err } }, answer(550, 5, 1, 1, "no such mailbox"), "rcpt to: 550 5.1.1 no such mailbox", true},
		"sender, for good":    {func(r *relay, err error) { r.onMail = func() error { return err } }, answer(553, 5, 7, 1, "not you"), "mail from: 553 5.7.1 not you", false},
		"content, for now":    {func(r *relay, err error) { r.onData = func(string) error { return err } }, answer(452, 4, 3, 1, "disk full"), "content: 452 4.3.1 disk full", false},
		"content, repeated":   {func(r *relay, err error) { r.onData = func(string) error { return err } }, answer(554, 5, 7, 1, "spam: code is "+theCode), "content: 554 5.7.1 spam: code is …", true},
	} {
		for _, inSteps := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " in steps ", inSteps), func(t *testing.T) {
				r := (&relay{inSteps: inSteps}).open(t)
				s := dialing(t, "smtp://"+r.address, r)
				must(t, s.Send(context.Background(), message("before@example.com")))
				c.set(r, c.err)
				err := s.Send(context.Background(), message("hanako@example.com"))
				var failure *Failure
				if !errors.As(err, &failure) || err.Error() != c.want || failure.Permanent != c.permanent {
					t.Errorf("%v, permanent %v", err, failure.Permanent)
				}
				r.onMail, r.onRcpt, r.onData = nil, nil, nil
				must(t, s.Send(context.Background(), message("after@example.com")))
				if got := r.deliveries(); len(got) != 2 || got[1].to != "after@example.com" || strings.Count(got[1].text, "Subject:") != 1 || r.connections() != 1 {
					t.Errorf("%d connections, %+v", r.connections(), got)
				}
			})
		}
	}
}

// TestARelayThatWantsContentForNobodyGetsNone: commands were sent together, the
// recipient was refused, and the relay asks for the content all the same.
func TestARelayThatWantsContentForNobodyGetsNone(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	heard := make(chan string, 100)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "220 odd.test\r\n")
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			line := lines.Text()
			heard <- line
			answer := map[string]string{"EHLO": "250-odd.test\r\n250 PIPELINING", "MAIL": "250 ok", "RCPT": "550 5.1.1 nobody", "DATA": "354 go on", ".": "554 5.5.1 nobody to send it to", "RSET": "250 ok", "NOOP": "250 ok"}
			verb, _, _ := strings.Cut(line, " ")
			fmt.Fprint(conn, answer[verb]+"\r\n")
		}
	}()
	s, err := NewSMTP("smtp://"+listener.Addr().String(), "portal@example.com")
	must(t, err)
	defer s.Close()
	for range 2 {
		if err := s.Send(context.Background(), message("hanako@example.com")); err == nil || err.Error() != "rcpt to: 550 5.1.1 nobody" {
			t.Errorf("%v", err)
		}
	}
	var commands []string
	for len(heard) > 0 {
		verb, _, _ := strings.Cut(<-heard, " ")
		commands = append(commands, verb)
	}
	if got := strings.Join(commands, " "); got != "EHLO MAIL RCPT DATA . RSET MAIL RCPT DATA . RSET" {
		t.Errorf("heard %s", got)
	}
}

func TestALineOfDotsArrivesAsItWas(t *testing.T) {
	for _, inSteps := range []bool{false, true} {
		r := (&relay{inSteps: inSteps}).open(t)
		m := message("hanako@example.com")
		m.Text = "one\n.\n..two\n. three\n"
		must(t, dialing(t, "smtp://"+r.address, r).Send(context.Background(), m))
		_, text, _ := read(t, r.deliveries()[0].text)
		if text != m.Text {
			t.Errorf("in steps %v: %q", inSteps, text)
		}
	}
}

func TestARelayThatHangsIsLeft(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	leave := make(chan struct{})
	r := (&relay{onData: func(string) error { cancel(); <-leave; return nil }}).open(t)
	t.Cleanup(func() { close(leave) })
	err := dialing(t, "smtp://"+r.address, r).Send(ctx, message("hanako@example.com"))
	var failure *Failure
	if !errors.As(err, &failure) || failure.Step != stepContent || failure.Permanent {
		t.Errorf("%v", err)
	}
}

func TestNobodyListens(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	_ = closed.Close()
	s, err := NewSMTP("smtp://"+closed.Addr().String(), from)
	must(t, err)
	var failure *Failure
	if err := s.Send(context.Background(), message("hanako@example.com")); !errors.As(err, &failure) || failure.Step != stepConnect || failure.Permanent {
		t.Errorf("%v", err)
	}
}

func TestAddressesBeyondASCIINeedARelayForThem(t *testing.T) {
	able := (&relay{utf8: true}).open(t)
	must(t, dialing(t, "smtp://"+able.address, able).Send(context.Background(), message("花子@example.jp")))
	if got := able.deliveries(); got[0].to != "花子@example.jp" {
		t.Errorf("%+v", got)
	}
	unable := (&relay{}).open(t)
	var failure *Failure
	err := dialing(t, "smtp://"+unable.address, unable).Send(context.Background(), message("花子@example.jp"))
	if !errors.As(err, &failure) || !failure.Permanent {
		t.Errorf("%v", err)
	}
}

// TestTheOutboxAndARealRelay: not now, then yes; and never.
func TestTheOutboxAndARealRelay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		ctx := context.Background()
		busy := true
		r := (&relay{secure: true, auth: true, onRcpt: func(to string) error {
			switch {
			case to == "nobody@example.com":
				return answer(550, 5, 1, 1, "no such mailbox")
			case busy:
				return answer(451, 4, 7, 1, "come back later")
			}
			return nil
		}}).open(t)
		user := url.UserPassword("nidan", relayPassword)
		p := post(w, dialing(t, "smtp://"+user.String()+"@"+r.address+"?starttls=required", r))
		queue(t, w, letter(Notice, "hanako@example.com"), letter(Notice, "nobody@example.com"))
		must(t, p.Drain(ctx))
		if parked, wait := count(t, w, "parked_at is not null"), count(t, w, "due_at > created_at"); parked != 1 || wait != 1 || len(r.deliveries()) != 0 {
			t.Errorf("%d parked, %d wait", parked, wait)
		}
		busy = false
		w.Clock.Set(storetest.Start.Add(30 * time.Second))
		must(t, p.Drain(ctx))
		if got := r.deliveries(); len(got) != 1 || got[0].to != "hanako@example.com" || count(t, w, "sent_at is not null") != 1 {
			t.Errorf("%+v", got)
		}
		if r.connections() != 1 {
			t.Errorf("%d connections", r.connections())
		}
	})
}
