package mail

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
)

const head = "From: Hanako Sato <hanako@aozora.example>\nTo: help@portal.example\nMessage-ID: <1@aozora.example>\nSubject: x\nMIME-Version: 1.0\n"

func in2022(t *testing.T, text string) string {
	t.Helper()
	encoded, err := japanese.ISO2022JP.NewEncoder().String(text)
	must(t, err)
	return encoded
}

func TestWhatAMailSays(t *testing.T) {
	parts := func(kind string, parts ...string) string {
		return "Content-Type: multipart/" + kind + "; boundary=" + kind + "\n\n--" + kind + "\n" + strings.Join(parts, "\n--"+kind+"\n") + "\n--" + kind + "--\n"
	}
	text := "Content-Type: text/plain; charset=utf-8\n\nplain\n"
	page := "Content-Type: text/html; charset=utf-8\n\n<p>page</p>\n"
	picture := "Content-Type: image/png; name=\"../../a.png\"\nContent-Disposition: attachment; filename=\"../../a.png\"\nContent-Transfer-Encoding: base64\n\n" + base64.StdEncoding.EncodeToString([]byte("\x89PNG\r\n\x1a\n")) + "\n"
	for name, row := range map[string]struct{ mail, text, files string }{
		"no type":                         {"\nhello\n", "hello", ""},
		"lines of every kind":             {"\none\r\ntwo\nthree\n", "one\ntwo\nthree", ""},
		"the plain one of two":            {parts("alternative", text, page), "plain", ""},
		"the plain one, second":           {parts("alternative", page, text), "page", ""},
		"a page alone":                    {page, "page", ""},
		"an empty plain one":              {parts("alternative", "Content-Type: text/plain\n\n \n", page), "page", ""},
		"text and file":                   {parts("mixed", text, picture), "plain", "a.png"},
		"within each other":               {parts("mixed", parts("alternative", text, page), picture), "plain", "a.png"},
		"a file of text":                  {parts("mixed", text, "Content-Type: text/plain; name=log.txt\n\nlog\n"), "plain", "log.txt"},
		"a file without a name":           {parts("mixed", text, "Content-Type: image/png\n\nx\n"), "plain", "image"},
		"a name in Japanese":              {parts("mixed", text, "Content-Type: application/pdf\nContent-Disposition: attachment; filename*=utf-8''%E7%94%BB%E9%9D%A2.pdf\n\nx\n"), "plain", "画面.pdf"},
		"a name that begins a header":     {parts("mixed", text, "Content-Type: application/pdf\nContent-Disposition: attachment; filename*=utf-8''a%0D%0ABcc:%20x\n\nx\n"), "plain", "application"},
		"quoted-printable":                {"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n=E8=AA=8D=E8=A8=BC\n", "認証", ""},
		"ISO-2022-JP":                     {"Content-Type: text/plain; charset=ISO-2022-JP\n\n" + in2022(t, "認証アプリ") + "\n", "認証アプリ", ""},
		"Shift_JIS":                       {"Content-Type: text/plain; charset=Shift_JIS\nContent-Transfer-Encoding: base64\n\nlEaP2A==\n", "認証", ""},
		"a set of signs nobody knows":     {"Content-Type: text/plain; charset=x-unknown\n\nhello\n", "hello", ""},
		"bytes that are no text":          {"Content-Type: text/plain; charset=utf-8\n\na\xffb\n", "a\uFFFDb", ""},
		"NULs and bells":                  {"\na\x00b\ac\n", "abc", ""},
		"broken off":                      {"Content-Type: multipart/mixed; boundary=x\n\n--x\n" + text, "plain", ""},
		"base64 that is none":             {"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n!!!!\n", "", ""},
		"markup":                          {"Content-Type: text/html\n\n<head><title>t</title><style>s{}</style></head><body><p>one&nbsp;<b>two</b><br>three<script>alert(1)</script><div>&lt;four&gt;</div>", "one two\nthree\n<four>", ""},
		"a quote":                         {"Content-Type: text/html\n\n<div>mine</div><blockquote><div>yours</div><p>too</p></blockquote>", "mine\n> yours\n> too", ""},
		"blank lines":                     {"Content-Type: text/html\n\n<div>one</div><div><br></div><div><br></div><div>two</div>", "one\n\ntwo", ""},
		"a head that never ends":          {"Content-Type: text/html\n\n<head><body>text", "text", ""},
		"a picture that would be fetched": {"Content-Type: text/html\n\n<img src=https://evil.example/x>seen", "seen", ""},
	} {
		m, ok := ReadMail([]byte(head + row.mail))
		var files []string
		for _, f := range m.Files {
			files = append(files, f.Name)
		}
		if !ok || m.Text != row.text || strings.Join(files, ",") != row.files {
			t.Errorf("%s: %v %q with %q, want %q with %q", name, ok, m.Text, files, row.text, row.files)
		}
		if m.From != "hanako@aozora.example" || m.FromName != "Hanako Sato" || m.ID != "1@aozora.example" || !slices.Equal(m.To, []string{"help@portal.example"}) || m.Machine != "" {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func TestHeadersAreOneLineAndOneAuthor(t *testing.T) {
	for name, row := range map[string]struct{ mail, from, name, subject string }{
		"encoded":              {"From: =?ISO-2022-JP?B?GyRCOjRGIxsoQg==?= <a@b.example>\nSubject: =?UTF-8?B?6KqN6Ki8?=\n\nx", "a@b.example", "佐藤", "認証"},
		"an encoded line":      {"From: a@b.example\nSubject: =?UTF-8?Q?x=0D=0ABcc:_c@d.example=00?=\n\nx", "a@b.example", "", "x Bcc: c@d.example"},
		"folded":               {"From: a@b.example\nSubject: one\n two\n\nx", "a@b.example", "", "one two"},
		"two authors":          {"From: a@b.example, c@d.example\nSubject: x\n\nx", "", "", "x"},
		"no author":            {"Subject: x\n\nx", "", "", "x"},
		"a group":              {"From: all: a@b.example, c@d.example;\nSubject: x\n\nx", "", "", "x"},
		"no address":           {"From: nobody\nSubject: x\n\nx", "", "", "x"},
		"an address in a name": {"From: \"abe@portal.example\" <mallory@evil.example>\nSubject: x\n\nx", "mallory@evil.example", "abe@portal.example", "x"},
		"a name with a line":   {"From: =?UTF-8?Q?a=0Ab?= <a@b.example>\nSubject: x\n\nx", "a@b.example", "a b", "x"},
		"long":                 {"From: a@b.example\nSubject: " + strings.Repeat("x", 5000) + "\n\nx", "a@b.example", "", strings.Repeat("x", readLine-1) + "…"},
	} {
		m, ok := ReadMail([]byte(row.mail))
		if !ok || m.From != row.from || m.FromName != row.name || m.Subject != row.subject {
			t.Errorf("%s: %v %+v", name, ok, m)
		}
	}
}

func TestWhatAMailAnswersToIsReadWhateverItsProgramWrites(t *testing.T) {
	many := "References:"
	for i := range 1000 {
		many += fmt.Sprintf("\n <%d@x>", i)
	}
	for header, want := range map[string]string{
		"X: y":                   "",
		"In-Reply-To: <a@b.c>":   "a@b.c",
		"In-Reply-To:\n <a@b.c>": "a@b.c",
		"References: <1@x> <2@x>\n\t<3@x>\nIn-Reply-To: <2@x>":     "2@x 3@x 2@x 1@x",
		"In-Reply-To: Your message of Monday <a@b.c>":              "a@b.c",
		"In-Reply-To: \"X\" <a b@c> and <d@e>; <>":                 "d@e",
		"in-reply-to: <" + strings.Repeat("x", 2000) + "@y> <1@x>": "1@x",
		"References: <1@x><2@x>":                                   "2@x 1@x",
	} {
		if m, ok := ReadMail([]byte("From: a@b.example\n" + header + "\n\nx")); !ok || strings.Join(m.Answers, " ") != want {
			t.Errorf("%.80q: %q, want %q", header, m.Answers, want)
		}
	}
	if m, _ := ReadMail([]byte("From: a@b.example\n" + many + "\n\nx")); len(m.Answers) != readIDs || m.Answers[0] != "999@x" {
		t.Errorf("of a thousand: %q", m.Answers)
	}
}

func TestWhatMachinesWriteIsKnown(t *testing.T) {
	for header, machine := range map[string]bool{
		"Auto-Submitted: no": false, "Auto-Submitted: auto-replied": true, "Auto-Submitted: auto-generated; x=y": true, "auto-submitted: Auto-Notified": true,
		"Precedence: bulk": true, "Precedence: LIST": true, "Precedence: junk": true, "Precedence: first-class": false,
		"List-Id: <x.example>": true, "List-Unsubscribe: <mailto:x@y.example>": true, "X-Autoreply: yes": true, "X-Loop: x": true,
		"Content-Type: multipart/report; report-type=delivery-status; boundary=x": true, "X-Mailer: x": false,
	} {
		if m, _ := ReadMail([]byte("From: a@b.example\n" + header + "\n\nx")); (m.Machine != "") != machine {
			t.Errorf("%s: %q", header, m.Machine)
		}
	}
	if m, _ := ReadMail([]byte("From: MAILER-DAEMON@b.example\n\nx")); m.Machine == "" {
		t.Error("a mail server is taken for a person")
	}
	// What the portal itself sends is a machine's.
	wire, err := compose(Message{From: "portal@portal.example", To: "a@b.example", Subject: "x", Text: "x", MessageID: "x@portal.example"})
	must(t, err)
	if m, ok := ReadMail(wire); !ok || m.Machine == "" {
		t.Errorf("%v %+v", ok, m)
	}
}

// What is beyond the bounds is named, so that whoever reads the mail knows that it went on.
func TestWhatIsNotReadOfAMailIsTold(t *testing.T) {
	multi := func(kind string, parts ...string) string {
		return "Content-Type: multipart/" + kind + "; boundary=" + kind + "\n\n--" + kind + "\n" + strings.Join(parts, "\n--"+kind+"\n") + "\n--" + kind + "--\n"
	}
	file := func(name string) string { return "Content-Type: image/png; name=" + name + "\n\nx\n" }
	var files []string
	for i := range readFiles + 2 {
		files = append(files, file(fmt.Sprintf("%d.png", i+1)))
	}
	long := strings.Repeat("word ", readText/5+1)
	deep := "Content-Type: text/plain\n\nx\n"
	for i := range readDeep + 1 {
		deep = "Content-Type: multipart/mixed; boundary=b" + fmt.Sprint(i) + "\n\n--b" + fmt.Sprint(i) + "\n" + deep + "\n--b" + fmt.Sprint(i) + "--\n"
	}
	for name, row := range map[string]struct {
		mail, left string
		more       bool
	}{
		"a short one":                {"\nhello\n", "", false},
		"as many files as are read":  {multi("mixed", files[:readFiles]...), "", false},
		"two more":                   {multi("mixed", files...), "21.png,22.png", false},
		"a broken file":              {multi("mixed", "Content-Type: image/png; name=a.png\nContent-Transfer-Encoding: base64\n\n!!!!\n"), "a.png", false},
		"a long text":                {"\n" + long, "", true},
		"a long page":                {"Content-Type: text/html\n\n<style>" + long + "</style>after", "", true},
		"a long page beside a text":  {multi("alternative", "Content-Type: text/plain\n\nx\n", "Content-Type: text/html\n\n"+long+"\n"), "", false},
		"a long page, then its text": {multi("alternative", "Content-Type: text/html\n\n"+long+"\n", "Content-Type: text/plain\n\nx\n"), "", true},
		"parts too deep":             {deep, "", true},
		"as many parts as are read":  {multi("mixed", slices.Repeat([]string{"Content-Type: text/plain\n\nx\n"}, readParts-1)...), "", false},
		"one more":                   {multi("mixed", slices.Repeat([]string{"Content-Type: text/plain\n\nx\n"}, readParts)...), "", true},
	} {
		m, ok := ReadMail([]byte(head + row.mail))
		if !ok || strings.Join(m.Left, ",") != row.left || m.More != row.more {
			t.Errorf("%s: %v, without %q, more %v", name, ok, m.Left, m.More)
		}
	}
}

// Mails that are made to break their reader are read as far as the bounds go.
func TestMailsMadeToBreakTheirReader(t *testing.T) {
	var nested, flat strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&nested, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
		fmt.Fprintf(&flat, "--b\nContent-Type: text/plain\n\npart %d\n", i)
	}
	for name, text := range map[string]string{
		"10,000 parts within each other": head + nested.String() + "\nx",
		"10,000 parts in a row":          head + "Content-Type: multipart/mixed; boundary=b\n\n" + flat.String() + "--b--\n",
		"10,000 files":                   head + "Content-Type: multipart/mixed; boundary=b\n\n" + strings.ReplaceAll(flat.String(), "text/plain", "image/png") + "--b--\n",
		"a line without an end":          head + "\n" + strings.Repeat("x", 4<<20),
		"a header without an end":        "Subject: " + strings.Repeat("x", 4<<20),
		"100,000 headers":                strings.Repeat("X: y\n", 100_000) + "\nx",
		"100,000 addresses":              "From: " + strings.Repeat("a@b.example, ", 100_000) + "a@b.example\nTo: " + strings.Repeat("a@b.example, ", 100_000) + "a@b.example\n\nx",
		"markup without an end":          head + "Content-Type: text/html\n\n" + strings.Repeat("<blockquote><div", 200_000),
		"nothing but NULs":               strings.Repeat("\x00", 1<<20),
		"a boundary of nothing":          head + "Content-Type: multipart/mixed; boundary=\"\"\n\n--\n\nx\n----\n",
	} {
		m, _ := ReadMail([]byte(text))
		holds(t, name, m)
	}
}

// holds says what is true of every mail that was read.
func holds(t *testing.T, name string, m Read) {
	t.Helper()
	for _, line := range []string{m.ID, m.From, m.FromName, m.Subject} {
		if !utf8.ValidString(line) || strings.ContainsFunc(line, unicode.IsControl) || utf8.RuneCountInString(line) > readLine {
			t.Errorf("%s: a header is %.200q", name, line)
		}
	}
	if !utf8.ValidString(m.Text) || strings.ContainsFunc(m.Text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) || len(m.Text) > 20*readText {
		t.Errorf("%s: the text of %d bytes is %.200q", name, len(m.Text), m.Text)
	}
	if m.From != "" && Addressable(m.From) != nil || len(m.Files) > readFiles || len(m.To) > readNames || len(m.Left) > readParts || len(m.Answers) > 2*readIDs || strings.ContainsAny(strings.Join(m.Answers, ""), "<> \r\n") {
		t.Errorf("%s: from %q, %d files, to %d", name, m.From, len(m.Files), len(m.To))
	}
	for _, f := range m.Files {
		if f.Name == "" || strings.ContainsAny(f.Name, "/\\") || strings.ContainsFunc(f.Name, unicode.IsControl) || utf8.RuneCountInString(f.Name) > 120 {
			t.Errorf("%s: a file is called %q", name, f.Name)
		}
	}
}

func FuzzAMailNeverBreaksItsReader(f *testing.F) {
	f.Add([]byte(head + "\nhello"))
	f.Add([]byte(head + "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>x<blockquote>y\n--b\nContent-Type: image/png; name=x\n\nx\n--b--\n"))
	f.Add([]byte("From: =?ISO-2022-JP?B?GyRCOjRGIxsoQg==?= <a@b.example>\nContent-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B:4F#\x1b(B"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if m, ok := ReadMail(content); ok {
			holds(t, "a mail", m)
		}
	})
}
