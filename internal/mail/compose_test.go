package mail

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"

	"nidan/internal/phrase"
	"nidan/internal/store/storetest"
)

// read takes a mail apart as a reader's program does.
func read(t *testing.T, wire string) (header netmail.Header, text, page string) {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(wire))
	must(t, err)
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("content type %q %v", m.Header.Get("Content-Type"), err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	var bodies []string
	for _, want := range []string{"text/plain", "text/html"} {
		part, err := parts.NextRawPart()
		must(t, err)
		kind, params, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if err != nil || kind != want || !strings.EqualFold(params["charset"], "utf-8") {
			t.Errorf("part is %s %v", kind, params)
		}
		var r io.Reader = part
		switch part.Header.Get("Content-Transfer-Encoding") {
		case "base64":
			r = base64.NewDecoder(base64.StdEncoding, part)
		case "quoted-printable":
			r = quotedprintable.NewReader(part)
		default:
			t.Errorf("part header %v", part.Header)
		}
		body, err := io.ReadAll(r)
		must(t, err)
		bodies = append(bodies, strings.ReplaceAll(string(body), "\r\n", "\n"))
	}
	if _, err := parts.NextRawPart(); !errors.Is(err, io.EOF) {
		t.Errorf("a third part: %v", err)
	}
	return m.Header, bodies[0], bodies[1]
}

func decoded(t *testing.T, header string) string {
	t.Helper()
	text, err := new(mime.WordDecoder).DecodeHeader(header)
	must(t, err)
	return text
}

// TestAJapaneseMailArrivesIntact goes the whole way: outbox, post, relay.
func TestAJapaneseMailArrivesIntact(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		r := (&relay{secure: true}).open(t)
		subject := "【重要】２段階認証の初期設定のお願い（株式会社あおぞら商事さま）" + strings.Repeat("とても長い件名", 20)
		l := letter(Notice, "hanako@example.com")
		l.Language, l.Subject = phrase.Japanese, subject
		l.Text = "花子さま\n\n.\n確認コードは " + theCode + " です。\n" + strings.Repeat("とても長い行", 300) + "\n\n<b>&\n"
		queue(t, w, l)
		p := post(w, dialing(t, "smtp://"+r.address+"?starttls=required", r))
		p.from = from
		must(t, p.Drain(context.Background()))
		got := r.deliveries()
		if len(got) != 1 {
			t.Fatalf("%d mails, row %+v", len(got), only(t, w))
		}
		header, text, html := read(t, got[0].text)
		if decoded(t, header.Get("Subject")) != subject {
			t.Errorf("subject %q", decoded(t, header.Get("Subject")))
		}
		if text != l.Text || html != page(phrase.Japanese, subject, l.Text) {
			t.Errorf("text %q\nhtml %q", text, html)
		}
		if a, err := header.AddressList("From"); err != nil || len(a) != 1 || a[0].Name != "二段 Portal" || a[0].Address != "portal@example.com" {
			t.Errorf("From %v %v", a, err)
		}
		for at, line := range strings.Split(got[0].text, "\r\n") {
			if len(line) > 998 || !ascii(line) {
				t.Errorf("line %d is not fit for every relay: %.80q", at, line)
			}
		}
	})
}

func TestTheHeadersOfAMail(t *testing.T) {
	wire, err := compose(message("hanako@example.com"))
	must(t, err)
	header, text, html := read(t, string(wire))
	var names []string
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != "Auto-Submitted Content-Language Content-Type Date From Message-Id Mime-Version Subject To X-Auto-Response-Suppress" {
		t.Errorf("headers: %s", got)
	}
	for name, want := range map[string]string{
		"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All", "Content-Language": "en",
		"Message-Id": "<m1@example.com>", "To": "<hanako@example.com>", "Subject": "Your verification code",
		"Date": "Sat, 10 Mar 2018 03:00:00 +0000",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if m := message(""); text != m.Text || html != m.HTML {
		t.Errorf("text %q\nhtml %q", text, html)
	}
}

func TestHeaderInjectionIsInert(t *testing.T) {
	for _, evil := range []string{
		"Hello\r\nBcc: evil@example.com", "Hello\nBcc: evil@example.com", "Hello\rBcc: evil@example.com",
		"Hello\r\n\r\n<script>alert(1)</script>", "Hello\r\n Bcc: evil@example.com", "花子\r\nBcc: evil@example.com",
		"Hello\x00\r\nBcc: evil@example.com", "=?utf-8?q?Hello=0D=0ABcc:_evil@example.com?=",
	} {
		m := message("hanako@example.com")
		m.Subject = evil
		wire, err := compose(m)
		must(t, err)
		header, text, _ := read(t, string(wire))
		if header.Get("Bcc") != "" || len(header) != 10 || text != m.Text {
			t.Errorf("%q became %v", evil, header)
		}
	}
	for _, evil := range []string{"hanako@example.com\r\nBcc: evil@example.com", "a@example.com, b@example.com", "a@example.com>\r\nRCPT TO:<b@example.com"} {
		if _, err := compose(message(evil)); !errors.Is(err, ErrAddress) {
			t.Errorf("%q was let through", evil)
		}
	}
}

func TestAnAnswerGoesWhereTheLetterSays(t *testing.T) {
	m := message("hanako@example.com")
	m.ReplyTo = "help+t1.aaaa.bbbb@example.com"
	wire, err := compose(m)
	must(t, err)
	if header, _, _ := read(t, string(wire)); header.Get("Reply-To") != "<help+t1.aaaa.bbbb@example.com>" || len(header) != 11 {
		t.Errorf("%v", header)
	}
	for _, evil := range []string{"a@example.com\r\nBcc: evil@example.com", "a@example.com, b@example.com", "nobody"} {
		m.ReplyTo = evil
		if _, err := compose(m); !errors.Is(err, ErrAddress) {
			t.Errorf("%q was let through", evil)
		}
	}
}
