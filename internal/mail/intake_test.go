package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"nidan/internal/store/storetest"
)

// dsn is a delivery report as Postfix writes it, with some groups about recipients.
func dsn(groups ...string) string {
	return crlf(`From: MAILER-DAEMON@mx.example (Mail Delivery System)
To: bounce@example.com
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="4F3A2B.1520650800/mx.example"

This is a MIME-encapsulated message.

--4F3A2B.1520650800/mx.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--4F3A2B.1520650800/mx.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
Arrival-Date: Sat, 10 Mar 2018 12:00:00 +0900 (JST)

` + strings.Join(groups, "\n") + `
--4F3A2B.1520650800/mx.example
Content-Type: message/rfc822

Subject: Your verification code

Your code is ` + theCode + `.

--4F3A2B.1520650800/mx.example--
`)
}

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

const unknown = `Final-Recipient: rfc822; hanako@example.com
Original-Recipient: rfc822;hanako@example.com
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx2.example
Diagnostic-Code: smtp; 550 5.1.1 <hanako@example.com>: Recipient address
    rejected: User unknown
`

func group(action, status string) string {
	return "Final-Recipient: rfc822; x@example.com\nAction: " + action + "\nStatus: " + status + "\n"
}

func TestWhatADeliveryReportTells(t *testing.T) {
	failed := report{true, "5.1.1", "550 5.1.1 <hanako@example.com>: Recipient address rejected: User unknown"}
	for name, row := range map[string]struct {
		mail string
		want report
	}{
		"failed":                            {dsn(unknown), failed},
		"with bare line feeds":              {strings.ReplaceAll(dsn(unknown), "\r\n", "\n"), failed},
		"delayed":                           {dsn(group("delayed", "4.4.1")), report{}},
		"delivered":                         {dsn(group("delivered", "2.0.0")), report{}},
		"relayed":                           {dsn(group("relayed", "2.0.0")), report{}},
		"given up after days":               {dsn(group("failed", "4.4.7")), report{true, "4.4.7", ""}},
		"a list with one dead address":      {dsn(unknown, group("delivered", "2.0.0")), report{}},
		"a list with dead addresses alone":  {dsn(unknown, group("failed", "5.2.2")), failed},
		"delayed and failed":                {dsn(group("delayed", "4.4.1"), unknown), failed},
		"a status with a comment":           {dsn(group("failed (really)", "5.2.2 (mailbox full)")), report{true, "5.2.2", ""}},
		"a status that is none":             {dsn(group("failed", "no idea")), report{true, "", ""}},
		"no group of a recipient":           {dsn(), report{}},
		"an answer of an absent reader":     {crlf("Auto-Submitted: auto-replied\nContent-Type: text/plain\n\nI am away until Monday.\n"), report{}},
		"a plain mail that talks of errors": {crlf("Subject: failure\n\n" + unknown), report{}},
		"a report of having been read":      {strings.Replace(dsn(unknown), "report-type=delivery-status", "report-type=disposition-notification", 1), report{}},
		"no parts":                          {crlf("Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\nnothing\n"), report{}},
		"broken off":                        {dsn(unknown)[:700], report{}},
		"nothing at all":                    {"", report{}},
	} {
		if got := readReport([]byte(row.mail)); got != row.want {
			t.Errorf("%s: %+v, want %+v", name, got, row.want)
		}
	}
}

func TestAStrangersWordsAreCutAndRepeatNoCode(t *testing.T) {
	for given, want := range map[string]string{
		"smtp; 550 5.1.1 no such user":                 "550 5.1.1 no such user",
		"550 no such user; sorry":                      "550 no such user; sorry",
		"smtp; 554 spam: Your code is 48151623.":       "554 spam: Your code is ….",
		"smtp; 554 spam: Your code is 4815 1623":       "554 spam: Your code is …",
		"smtp; 554 spam: ABCDEFGHIJKL":                 "554 spam: …",
		"smtp; 554 /r/" + strings.Repeat("kQ2-xYz", 6): "554 /r/…",
		"smtp; bell \a and\tnew\r\n line":              "bell and new line",
	} {
		if got := wordsOf(given); got != want {
			t.Errorf("%q became %q, want %q", given, got, want)
		}
	}
	if got := wordsOf(strings.Repeat("あ", 5000)); len([]rune(got)) > 310 {
		t.Errorf("%d characters were kept", len([]rune(got)))
	}
}

func FuzzADeliveryReportNeverBreaksItsReader(f *testing.F) {
	for _, mail := range []string{dsn(unknown), dsn(group("delayed", "4.4.1"), group("delivered", "2.0.0")), dsn(),
		"Content-Type: multipart/report; report-type=delivery-status; boundary=\"\"\r\n\r\n--\r\n",
		"Content-Type: multipart/report; report-type=delivery-status; boundary=a\r\n\r\n--a\r\nContent-Type: message/delivery-status\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!\r\n--a--",
	} {
		f.Add([]byte(mail))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		told := readReport(content)
		if !told.failed && told != (report{}) {
			t.Errorf("told %+v", told)
		}
		if strings.ContainsAny(told.status+told.words, "\r\n\x00") || len([]rune(told.words)) > 301 {
			t.Errorf("words %q", told.words)
		}
	})
}

func TestABounceAddressIsKnownAgainAndCannotBeMadeUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		b, err := NewBounces(w.Keys, "Bounce@Example.com")
		must(t, err)
		const id = "0198f3a2-7b1c-7def-8123-456789abcdef"
		address := b.Address(id)
		if err := Addressable(address); err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		for _, same := range []string{address, strings.ToUpper(address)} {
			if got, ok := b.Letter(same); !ok || got != id {
				t.Errorf("%s: %q %v", same, got, ok)
			}
		}
		digest := address[strings.Index(address, ".")+1 : strings.Index(address, "@")]
		other := b.Address("0198f3a2-7b1c-7def-8123-456789abcdee")
		for _, made := range []string{"", "@", "bounce@example.com", "bounce+@example.com", strings.Replace(address, "example.com", "example.org", 1),
			strings.Replace(address, "bounce+", "other+", 1), strings.Replace(address, digest, strings.Repeat("a", len(digest)), 1),
			other[:strings.Index(other, ".")+1] + digest + "@example.com", address + "@example.com", strings.Repeat("a", 5000)} {
			if id, ok := b.Letter(made); ok {
				t.Errorf("%s was taken for %s", made, id)
			}
		}
		for _, wrong := range []string{"a b@example.com", "a+b@example.com", strings.Repeat("a", longLocal+1) + "@example.com"} {
			if _, err := NewBounces(w.Keys, wrong); err == nil {
				t.Errorf("%s was let through", wrong)
			}
		}
	})
}

func TestABounceMakesItsAddressUndeliverableOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		a := somebody(t, w, "aozora", "hanako@example.com")
		queue(t, w, to(a, Notice))
		b, err := NewBounces(w.Keys, "bounce@example.com")
		must(t, err)
		relay := &outside{}
		p := post(w, relay)
		p.ReturnTo(b)
		must(t, p.Drain(t.Context()))
		back := relay.messages()[0].Return
		if id, ok := b.Letter(back); !ok || id != only(t, w).id {
			t.Fatalf("envelope sender %q", back)
		}
		var logged bytes.Buffer
		client := intake(t, slog.New(slog.NewTextHandler(&logged, nil)), b.Box(w.DB, slog.New(slog.NewTextHandler(&logged, nil))))
		say(t, client, dsn(group("delayed", "4.4.1")), back)
		if list := undeliverables(t, w, ""); len(list) != 0 {
			t.Fatalf("a delay made %+v", list)
		}
		for range 3 { // a mail server that did not hear our answer brings it again
			say(t, client, dsn(unknown), back)
		}
		list := undeliverables(t, w, a.organization)
		if len(list) != 1 || list[0].Holder != a.id || list[0].Name != "佐藤 花子" || list[0].OrganizationName != "The aozora" || list[0].Recipient != a.email ||
			list[0].Source != Bounce || list[0].Status != "5.1.1" || !strings.HasSuffix(list[0].Words, "User unknown") || list[0].Mails != 1 ||
			!list[0].Since.Equal(storetest.Start) {
			t.Errorf("kept %+v", list)
		}
		if text := logged.String(); strings.Contains(text, "hanako") || strings.Contains(text, theCode) || strings.Count(text, "came back") != 1 {
			t.Errorf("logged:\n%s", text)
		}
		if err := client.Mail("", nil); err != nil {
			t.Fatal(err)
		}
		for _, other := range []string{"bounce@example.com", "bounce+x@example.com", "portal@example.com", "root@localhost"} {
			if err := client.Rcpt(other, nil); err == nil || !strings.Contains(err.Error(), "no such address") {
				t.Errorf("%s: %v", other, err)
			}
		}
	})
}

func TestAMailThatIsTooLongIsRefused(t *testing.T) {
	client := intake(t, slog.New(slog.DiscardHandler), Box{
		Takes: func(string) bool { return true },
		Take:  func(context.Context, Arrived) error { t.Error("taken"); return nil },
	})
	must(t, client.Mail("", nil))
	must(t, client.Rcpt("x@example.com", nil))
	data, err := client.Data()
	must(t, err)
	_, _ = data.Write([]byte(strings.Repeat(strings.Repeat("a", 998)+"\r\n", 1100)))
	if err := data.Close(); err == nil {
		t.Error("1.1 MB were taken")
	}
}

func TestWhatCannotBeKeptIsBroughtAgain(t *testing.T) {
	client := intake(t, slog.New(slog.DiscardHandler), Box{
		Takes: func(string) bool { return true },
		Take: func(_ context.Context, a Arrived) error {
			if strings.HasPrefix(a.To, "bad") {
				return fmt.Errorf("the database is away")
			}
			return nil
		},
	})
	must(t, client.Mail("", nil))
	must(t, client.Rcpt("good@example.com", nil))
	must(t, client.Rcpt("bad@example.com", nil))
	data, err := client.Data()
	must(t, err)
	_, _ = data.Write([]byte("Subject: x\r\n\r\nx\r\n"))
	good, err := data.CloseWithLMTPResponse()
	var bad smtp.LMTPDataError
	if !errors.As(err, &bad) || len(good) != 1 || good["good@example.com"] == nil || bad["bad@example.com"] == nil || bad["bad@example.com"].Code != 451 {
		t.Errorf("taken %v, refused %v", good, err)
	}
}

// intake serves boxes and connects to them.
func intake(t *testing.T, log *slog.Logger, boxes ...Box) *smtp.Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- (&Intake{Boxes: boxes, Log: log}).Serve(ctx, listener) }()
	conn, err := net.DialTimeout("tcp", listener.Addr().String(), 10*time.Second)
	must(t, err)
	client := smtp.NewClientLMTP(conn)
	t.Cleanup(func() {
		_ = client.Close()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the intake ended with %v", err)
		}
	})
	return client
}

func say(t *testing.T, client *smtp.Client, mail, to string) {
	t.Helper()
	must(t, client.Mail("", nil))
	must(t, client.Rcpt(to, nil))
	data, err := client.Data()
	must(t, err)
	_, err = data.Write([]byte(mail))
	must(t, err)
	must(t, data.Close())
}
