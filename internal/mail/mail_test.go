package mail

import (
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"nidan/internal/phrase"
)

func TestOneAddressAndNothingElse(t *testing.T) {
	good := []string{"hanako@example.com", "a+b.c@mail.example.co.jp", "o'neil@example.com", "花子@example.jp", "x@例え.jp"}
	for _, address := range good {
		if err := Addressable(address); err != nil {
			t.Errorf("%q: %v", address, err)
		}
	}
	bad := []string{
		"", "hanako", "@example.com", "hanako@",
		"a@example.com, b@example.com", "a@example.com b@example.com", "a@example.com;b@example.com",
		"Hanako <hanako@example.com>", "<hanako@example.com>", "hanako@example.com (home)", "group: a@example.com;",
		"hanako@example.com\r\nBcc: x@example.com", "hanako@example.com\n", "\rhanako@example.com", "han\x00ako@example.com",
		`"a b"@example.com`, `"x@evil.example> <y"@example.com`, `"toni.tester@example.com> ORCPT=admin@admin.com"@example.com`,
		"a@[127.0.0.1]", "a@b@example.com", "hana\u00a0ko@example.com", "hana\u200bko@example.com", "han\xffako@example.com",
		strings.Repeat("a", 65) + "@example.com", "a@" + strings.Repeat("b", 250) + ".com",
	}
	for _, address := range bad {
		if err := Addressable(address); !errors.Is(err, ErrAddress) {
			t.Errorf("%q was let through", address)
		}
	}
}

func TestAHeaderLineStaysOneLine(t *testing.T) {
	for given, want := range map[string]string{
		"Your code":                      "Your code",
		"  two   spaces ":                "two spaces",
		"Hi\r\nBcc: x@example.com":       "Hi Bcc: x@example.com",
		"a\nb\rc\vd\fe\x00f\u0085g":      "a b c d e f g",
		"line\u2028and\u2029paragraph":   "line and paragraph",
		"broken \xff byte":               "broken \uFFFD byte",
		"確認コード":                          "確認コード",
		"Hi\r\n\r\n<script>1</script>\t": "Hi <script>1</script>",
	} {
		if got := line(given); got != want {
			t.Errorf("line(%q) = %q, want %q", given, got, want)
		}
	}
}

func TestThePageSaysWhatTheTextSays(t *testing.T) {
	got := page(phrase.Japanese, "件名 <b>", "Hanako <x> & \"y\",\nsecond line\n\n\nhttps://portal.example/reset/abc\n")
	want := `<!doctype html>
<html lang="ja">
<head><meta charset="utf-8"><title>件名 &lt;b&gt;</title></head>
<body>
<p>Hanako &lt;x&gt; &amp; &#34;y&#34;,<br>
second line</p>
<p>https://portal.example/reset/abc</p>
</body>
</html>
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestBackOffSchedule(t *testing.T) {
	table := []struct {
		lane  Lane
		waits []time.Duration
	}{
		{Code, []time.Duration{1e9, 3e9, 10e9, 30e9, 30e9, 30e9}},
		{Notice, []time.Duration{30e9, 60e9, 120e9, 240e9, 480e9, 960e9, 1920e9, 3600e9, 3600e9}},
		{Bulk, []time.Duration{30e9, 60e9, 120e9, 240e9, 480e9, 960e9, 1920e9, 3600e9, 3600e9}},
	}
	for _, row := range table {
		for i, want := range row.waits {
			if got, ok := backOff(row.lane, i+1); got != want || !ok {
				t.Errorf("%s after try %d: %v %v, want %v", row.lane, i+1, got, ok, want)
			}
		}
	}
	if _, ok := backOff(Code, 10_000); !ok {
		t.Error("a code is tried until it expires")
	}
	var total time.Duration
	for tries := 1; ; tries++ {
		wait, ok := backOff(Notice, tries)
		if !ok {
			break
		}
		total += wait
	}
	if total > trouble || total < trouble-time.Hour {
		t.Errorf("a notice is tried for %v, want three days", total)
	}
}

func TestWhatBecomesOfALetter(t *testing.T) {
	now := time.Date(2018, 3, 10, 3, 0, 0, 0, time.UTC)
	relay := func(step string, code int) error {
		return failed(step, &textproto.Error{Code: code, Msg: "5.0.0 said the relay"})
	}
	table := []struct {
		name string
		lane Lane
		try  int
		err  error
		want fate
	}{
		{"taken", Code, 1, nil, fate{end: sent}},
		{"code, not now", Code, 2, relay(stepRcpt, 451), fate{end: again, due: now.Add(3 * time.Second), failure: "rcpt to: 451 5.0.0 said the relay"}},
		{"notice, not now", Notice, 1, relay(stepContent, 452), fate{end: again, due: now.Add(30 * time.Second), failure: "content: 452 5.0.0 said the relay"}},
		{"no such mailbox", Code, 1, relay(stepRcpt, 550), fate{end: parked, failure: "rcpt to: 550 5.0.0 said the relay",
			refused: Failure{Step: stepRcpt, Code: 550, Status: "5.0.0", Text: "5.0.0 said the relay", Permanent: true}}},
		{"content refused", Bulk, 1, relay(stepContent, 554), fate{end: parked, failure: "content: 554 5.0.0 said the relay"}},
		{"our password refused", Notice, 1, relay(stepAuth, 535), fate{end: again, due: now.Add(30 * time.Second), failure: "auth: 535 5.0.0 said the relay"}},
		{"our sender refused", Notice, 1, relay(stepMail, 553), fate{end: again, due: now.Add(30 * time.Second), failure: "mail from: 553 5.0.0 said the relay"}},
		{"network", Code, 9, failed(stepConnect, io.ErrUnexpectedEOF), fate{end: again, due: now.Add(30 * time.Second), failure: "connect: unexpected EOF"}},
		{"another's error, wrapped", Code, 1, fmt.Errorf("sending: %w", io.EOF), fate{end: again, due: now.Add(time.Second), failure: "sending: EOF"}},
		{"three days", Notice, 500, relay(stepRcpt, 451), fate{end: parked, failure: "given up after three days: rcpt to: 451 5.0.0 said the relay"}},
	}
	for _, row := range table {
		if got := decide(row.lane, row.try, now, row.err); got != row.want {
			t.Errorf("%s: %+v, want %+v", row.name, got, row.want)
		}
	}
}

func TestARelaysWordsRepeatNothingOfABody(t *testing.T) {
	body := "Your code is 48151623.\nhttps://portal.example/reset/kQ2-xYz_0123456789abcdefghijklmnopqrstuvw\nPass ABCDEFGHIJKL\n"
	words := "5.7.1 rejected as spam: Your code is 48151623. /reset/kQ2-xYz_0123456789abcdefghijklmnopqrstuvw ABCDEFGHIJKL queue 4F3A2B"
	want := "5.7.1 rejected as spam: Your code is …. /reset/… … queue 4F3A2B"
	if got := without(body, words); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheMessageIDsDomain(t *testing.T) {
	for from, want := range map[string]string{
		"portal@example.com":           "example.com",
		"Nidan <portal@m.example.com>": "m.example.com",
		"nobody":                       "nidan.invalid",
		"portal@例え.jp":                 "nidan.invalid",
	} {
		if got := domain(from); got != want {
			t.Errorf("%s: %s, want %s", from, got, want)
		}
	}
}
