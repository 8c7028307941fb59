package story

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"nidan/internal/mail"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// postfix is a mail server with a configuration of its own, on ports of this machine;
// nothing of it goes out.
type postfix struct {
	t      *testing.T
	dir    string
	at     string // where it takes mail
	asRoot []string
}

// services are those of Postfix that take mail and hand it on, none of them in a chroot.
const services = `%s inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

const settings = `compatibility_level = 3.6
queue_directory = DIR/spool
data_directory = DIR/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = DIR/mail.log
maillog_file_prefixes = DIR
myhostname = mx.portal.example
mydestination =
alias_maps =
relay_domains = portal.example
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
default_transport = error:nothing goes out
relay_transport = error:nobody here
`

// fromTheManual are the lines for Postfix as the manual has them: main.cf's, and the
// transport map's.
func fromTheManual(t *testing.T) (main, transport string) {
	t.Helper()
	manual, err := os.ReadFile("../docs/manual.md")
	check(t, err)
	_, rest, ok := strings.Cut(string(manual), "    # main.cf\n")
	main, rest, ok2 := strings.Cut(rest, "    # transport")
	_, rest, _ = strings.Cut(rest, "\n")
	transport, _, ok3 := strings.Cut(rest, "\n\n")
	if !ok || !ok2 || !ok3 {
		t.Fatal("the manual has no lines for Postfix")
	}
	return main, transport
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// freePort is a port of this machine that is free now.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

// startPostfix starts Postfix with the manual's lines, the portal's mail at lmtp and a
// next hop for dead.example.
func startPostfix(t *testing.T, lmtp, next string) *postfix {
	t.Helper()
	p := &postfix{t: t, at: freePort(t)}
	if os.Geteuid() != 0 {
		p.asRoot = []string{"sudo", "-n"} // Postfix starts as root alone
	}
	var err error
	p.dir, err = os.MkdirTemp("", "postfix") // others than the test's user read it
	check(t, err)
	t.Cleanup(func() { p.run("rm", "-rf", p.dir) })
	check(t, os.Chmod(p.dir, 0o755))
	for _, name := range []string{"etc", "spool", "data"} {
		check(t, os.Mkdir(filepath.Join(p.dir, name), 0o755))
	}
	main, transport := fromTheManual(t)
	portal := strings.NewReplacer("example.com", "portal.example", "127.0.0.1:2424", lmtp, "/etc/postfix", p.dir+"/etc")
	write := func(name, text string) {
		var lines []string
		for line := range strings.SplitSeq(text, "\n") {
			lines = append(lines, strings.TrimSpace(line))
		}
		check(t, os.WriteFile(filepath.Join(p.dir, "etc", name), []byte(strings.Join(lines, "\n")+"\n"), 0o644))
	}
	write("main.cf", strings.ReplaceAll(settings, "DIR", p.dir)+portal.Replace(main))
	write("transport", portal.Replace(transport)+"\ndead.example smtp:"+bracketed(next))
	write("master.cf", fmt.Sprintf(services, p.at))
	p.run("chown", "-R", "root", p.dir+"/etc", p.dir+"/spool")
	p.run("chown", "postfix", p.dir+"/data")
	p.run("postmap", "-c", p.dir+"/etc", p.dir+"/etc/transport")
	t.Cleanup(func() {
		p.run("postfix", "-c", p.dir+"/etc", "stop")
		if t.Failed() {
			log, _ := os.ReadFile(p.dir + "/mail.log")
			t.Logf("Postfix says:\n%s", log)
		}
	})
	p.run("postfix", "-c", p.dir+"/etc", "start")
	return p
}

func bracketed(at string) string {
	host, port, _ := strings.Cut(at, ":")
	return "[" + host + "]:" + port
}

func (p *postfix) run(name string, args ...string) {
	p.t.Helper()
	args = append(append(p.asRoot[:len(p.asRoot):len(p.asRoot)], name), args...)
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil { // Cleanup calls it too: the test's context has ended then
		p.t.Errorf("%s (the tests need Debian's package postfix, and root for it): %v\n%s", strings.Join(args, " "), err, out)
	}
}

// send hands Postfix a mail.
func (p *postfix) send(from, to, text string) {
	p.t.Helper()
	client, err := smtp.Dial(p.at)
	check(p.t, err)
	defer client.Close()
	check(p.t, client.Mail(from))
	check(p.t, client.Rcpt(to))
	data, err := client.Data()
	check(p.t, err)
	_, _ = data.Write([]byte(strings.ReplaceAll(text, "\n", "\r\n")))
	check(p.t, data.Close())
	check(p.t, client.Quit())
}

// refusing is a next hop at which nobody is.
func refusing(t *testing.T) string {
	t.Helper()
	server := gosmtp.NewServer(gosmtp.BackendFunc(func(*gosmtp.Conn) (gosmtp.Session, error) { return nobody{}, nil }))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	go func() { _ = server.Serve(listener) }() // it ends with its listener
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

type nobody struct{ gosmtp.Session }

func (nobody) Mail(string, *gosmtp.MailOptions) error { return nil }
func (nobody) Rcpt(string, *gosmtp.RcptOptions) error {
	return &gosmtp.SMTPError{Code: 550, EnhancedCode: gosmtp.EnhancedCode{5, 1, 1}, Message: "User unknown"}
}
func (nobody) Reset()        {}
func (nobody) Logout() error { return nil }

// Debian's Postfix, with the manual's lines, brings the portal a mail to the desk, an
// answer to a ticket's letter, and what comes back.
func TestPostfixBringsQuestionsAnswersAndBounces(t *testing.T) {
	s, err := open(storetest.SQLite(t))
	check(t, err)
	t.Cleanup(s.close)
	p := startPostfix(t, s.lmtp.Addr().String(), refusing(t))
	becomes := func(what string, n int) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; {
			var got int
			check(t, s.db.QueryRow(t.Context(), "select count(*) from "+what).Scan(&got))
			if got == n {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%d of %s, wanted %d", got, what, n)
			}
			time.Sleep(20 * time.Millisecond) // another program's work: nothing tells when it is done
		}
	}
	p.send("hanako@aozora.example", "help@portal.example", "From: =?ISO-2022-JP?B?GyRCOjRGIxsoQg==?= <hanako@aozora.example>\nMessage-ID: <1@aozora.example>\nSubject: =?UTF-8?B?6KqN6Ki844Ki44OX44Oq?=\n\nI cannot sign in.\n")
	becomes("ticket where summary = '認証アプリ' and author_name = '佐藤'", 1)

	check(t, s.portal.Post.Drain(t.Context()))
	letter, ok := s.mailbox.latest("hanako@aozora.example", "T-1")
	if !ok || letter.ReplyTo == "" || letter.Return == "" {
		t.Fatalf("%+v", letter)
	}
	p.send("hanako@aozora.example", letter.ReplyTo, "From: hanako@aozora.example\nMessage-ID: <2@aozora.example>\nSubject: Re: x\n\nI can again.\n")
	becomes("ticket_entry where kind = 'comment' and text = 'I can again.'", 1)
	becomes("ticket", 1)

	// A letter that the next hop refuses comes back to the address of its own.
	check(t, addOrganization(s, []string{"Aozora"}))
	check(t, addAccount(s, []string{"gone@dead.example", "org=Aozora"}))
	check(t, s.write(func(ctx context.Context, tx *store.Tx) error {
		a := s.accounts["gone@dead.example"]
		return mail.Queue(ctx, tx, s.keys, mail.Letter{Organization: a.Organization, Holder: a.ID, Lane: mail.Notice, Kind: "test", To: a.Email,
			Language: a.Language, Subject: "Something happened", Text: "Something happened."})
	}))
	check(t, s.portal.Post.Drain(t.Context()))
	lost, _ := s.mailbox.latest("gone@dead.example", "Something")
	var wire bytes.Buffer
	fmt.Fprintf(&wire, "From: %s\nTo: %s\nSubject: %s\n\n%s\n", lost.From, lost.To, lost.Subject, lost.Text)
	p.send(lost.Return, lost.To, wire.String())
	becomes("undeliverable", 1)
}
