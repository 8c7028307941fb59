package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nidan/internal/config"
)

// write puts a file into the test's folder.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, file string, environ ...string) config.Config {
	t.Helper()
	c, err := config.Load(file, environ)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// faults are the faults as lines, with the file's folder taken out.
func faults(t *testing.T, file string, environ ...string) []string {
	t.Helper()
	_, err := config.Load(file, environ)
	var list config.Faults
	if err != nil && !errors.As(err, &list) {
		t.Fatalf("%v is not a list of faults", err)
	}
	var lines []string
	for _, f := range list {
		f.Where = strings.TrimPrefix(f.Where, filepath.Dir(file)+"/")
		lines = append(lines, f.String())
	}
	return lines
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s is %q, want %q", what, g, w)
	}
}

func TestWithoutAnySettingThePortalRunsOnThisMachine(t *testing.T) {
	c := load(t, "")
	same(t, "name", c.Name, "Business Portal")
	same(t, "listen", c.Listen, "127.0.0.1:8080")
	same(t, "base URL", c.BaseURL, "http://127.0.0.1:8080")
	same(t, "metrics", c.MetricsListen, "127.0.0.1:9464")
	same(t, "log", c.Log, "INFO")
	same(t, "database", c.Database, "nidan.db")
	same(t, "key file", c.KeyFile, "nidan.key")
	same(t, "hash memory", c.HashMemory, config.HashStandard)
	same(t, "SMTP", c.SMTP, "smtp://127.0.0.1:25")
	same(t, "sender", c.MailFrom.Address, "nidan@localhost")
	same(t, "pace of mailings", c.MailPace, 50)
	same(t, "LMTP", c.LMTP, "")
	same(t, "bounces", c.Bounces.Address, "bounce@localhost")
	same(t, "contact", c.Contact, "nidan@localhost")
	same(t, "hours", c.Hours, "9:00–17:30")
	same(t, "hours in time", c.Hours.To, 17*time.Hour+30*time.Minute)
	same(t, "zone", c.HouseZone, "Asia/Tokyo")
	same(t, "trusted proxies", len(c.TrustedProxies), 0)
	same(t, "secure", c.Secure(), false)
}

func TestLaterSourcesWin(t *testing.T) {
	file := write(t, "nidan.yaml", "name: From the file\nlog: debug\ndatabase: file.db\n")
	c := load(t, file)
	same(t, "name", c.Name, "From the file")
	c = load(t, file, "NIDAN_NAME=From the environment", "NIDAN_DATABASE=environment.db", "HOME=/root")
	same(t, "name", c.Name, "From the environment")
	same(t, "log", c.Log, "DEBUG")
	same(t, "database", c.Database, "environment.db")
	aside := write(t, "database", "postgres://nidan:pw@db/nidan\n")
	c = load(t, file, "NIDAN_DATABASE=environment.db", "NIDAN_DATABASE_FILE="+aside)
	same(t, "database", c.Database, "postgres://nidan:pw@db/nidan")
}

func TestAWholeFileIsRead(t *testing.T) {
	c := load(t, write(t, "nidan.yaml", `
# a comment
name: 業務ポータル
listen: "[::]:443"
base_url: https://Portal.Example.com/
metrics_listen:
log: warn
database: postgres://nidan:pw@one:5432,two:5433/nidan
key_file: /etc/nidan/key
hash_memory: small
smtp: smtps://portal:pw@mail.example.com
mail_from: 業務ポータル <portal@example.com>
lmtp: 127.0.0.1:2424
contact: help@example.com
hours: 8:30 - 17:00
house_zone: Europe/Berlin
trusted_proxies:
  - 10.0.0.7
  - 2001:db8::/32
`))
	same(t, "name", c.Name, "業務ポータル")
	same(t, "listen", c.Listen, "[::]:443")
	same(t, "base URL", c.BaseURL, "https://portal.example.com")
	same(t, "secure", c.Secure(), true)
	same(t, "metrics", c.MetricsListen, "")
	same(t, "log", c.Log, "WARN")
	same(t, "database", c.Database, "postgres://nidan:pw@one:5432,two:5433/nidan")
	same(t, "hash memory", c.HashMemory, config.HashSmall)
	same(t, "SMTP", c.SMTP, "smtps://portal:pw@mail.example.com")
	same(t, "sender", c.MailFrom.Name, "業務ポータル")
	same(t, "LMTP", c.LMTP.At.Port, 2424)
	same(t, "contact", c.Contact, "help@example.com")
	same(t, "hours", c.Hours, "8:30–17:00")
	same(t, "zone", c.HouseZone, "Europe/Berlin")
	same(t, "trusted proxies", c.TrustedProxies, "10.0.0.7/32, 2001:db8::/32")
}

func TestAllFaultsAreToldAtOnceEachWithItsPlace(t *testing.T) {
	file := write(t, "nidan.yaml", `listen: 8080
colour: green
base_url: http://portal.example.com
log: loud
log: quiet
smtp: {host: mail}
house_zone:
hours: 17:30-9:00
trusted_proxies: [10.0.0.1/8]
`)
	got := faults(t, file, "NIDAN_HASH_MEMORY=huge", "NIDAN_CONTACT=Help <help@example.com>", "NIDAN_DATABASE_FILE=/nowhere")
	want := []string{
		"colour (nidan.yaml:2): there is no such setting",
		"NIDAN_LOG (nidan.yaml:5): must be set once: line 4 sets it too",
		"NIDAN_SMTP (nidan.yaml:6): must be one value",
		"NIDAN_DATABASE_FILE (environment): must name a readable file: no such file or directory",
		"NIDAN_LISTEN (nidan.yaml:1): must be host:port, such as 127.0.0.1:8080",
		"NIDAN_BASE_URL (nidan.yaml:3): must begin with https://: only on the machine itself is plain http allowed",
		"NIDAN_LOG (nidan.yaml:4): must be debug, info, warn or error",
		"NIDAN_HASH_MEMORY (environment): must be standard or small",
		"NIDAN_CONTACT (environment): must be one mail address without a name, such as help@example.com",
		"NIDAN_HOURS (nidan.yaml:8): must be two times of one day, such as 09:00-17:30 or Mon-Sat 09:00-17:30",
		"NIDAN_HOUSE_ZONE (nidan.yaml:7): must not be empty",
		"NIDAN_TRUSTED_PROXIES (nidan.yaml:9): must be a network: 10.0.0.1/8 is an address in 10.0.0.0/8; leave out the /8 or write the network",
		"NIDAN_MAIL_FROM (not set): must be set: one mail address, such as Business Portal <portal@example.com>",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

func TestAFileThatIsNoneIsAFault(t *testing.T) {
	cases := []struct{ content, want string }{
		{"- a\n- b\n", "nidan.yaml:1: must hold settings, such as base_url: https://portal.example.com"},
		{"name: a\n\tlog: info\n", "nidan.yaml:2: found a tab character that violates indentation"},
		{"name: a\n---\nname: b\n", "nidan.yaml: must be one document"},
	}
	for _, c := range cases {
		if got := strings.Join(faults(t, write(t, "nidan.yaml", c.content)), "\n"); got != c.want {
			t.Errorf("%q: %q, want %q", c.content, got, c.want)
		}
	}
	for _, content := range []string{"", "# only a comment\n", "---\n"} {
		if got := faults(t, write(t, "nidan.yaml", content)); got != nil {
			t.Errorf("%q sets nothing and is at fault: %q", content, got)
		}
	}
	missing := filepath.Join(t.TempDir(), "nidan.yaml")
	same(t, "the fault of a missing file", faults(t, missing), "[nidan.yaml: no such file or directory]")
}

func TestASettingIsRefusedWithWhatIsRight(t *testing.T) {
	base := "NIDAN_BASE_URL=https://portal.example.com"
	for _, wrong := range []string{
		"NIDAN_NAME=", "NIDAN_NAME=two\nlines", "NIDAN_NAME=" + strings.Repeat("x", 65),
		"NIDAN_LISTEN=", "NIDAN_LISTEN=localhost", "NIDAN_LISTEN=:65536", "NIDAN_LISTEN=http://localhost:80",
		"NIDAN_METRICS_LISTEN=9464", "NIDAN_LMTP=run/lmtp", "NIDAN_LMTP=:2424", "NIDAN_LMTP=192.0.2.1:2424", "NIDAN_LMTP=unix:lmtp", "NIDAN_LMTP=/" + strings.Repeat("x", 120),
		"NIDAN_MAIL_PACE=", "NIDAN_MAIL_PACE=-1", "NIDAN_MAIL_PACE=fast", "NIDAN_MAIL_PACE=100001",
		"NIDAN_BOUNCES=nobody", "NIDAN_BOUNCES=B <bounce@example.com>", "NIDAN_BOUNCES=b+x@example.com", "NIDAN_BOUNCES=" + strings.Repeat("b", 24) + "@example.com",
		"NIDAN_BASE_URL=portal.example.com", "NIDAN_BASE_URL=portal.example.com:443", "NIDAN_BASE_URL=ftp://portal.example.com",
		"NIDAN_BASE_URL=https://", "NIDAN_BASE_URL=https://portal.example.com/sub", "NIDAN_BASE_URL=https://a@portal.example.com",
		"NIDAN_BASE_URL=https://portal.example.com?x=1", "NIDAN_BASE_URL=https://portal.example.com:0",
		"NIDAN_BASE_URL=http://localhost.example.com", "NIDAN_BASE_URL=http://192.0.2.1",
		"NIDAN_DATABASE=", "NIDAN_DATABASE=mysql://db/nidan", "NIDAN_KEY_FILE=", "NIDAN_HASH_MEMORY=",
		"NIDAN_SMTP=mail.example.com:25", "NIDAN_SMTP=http://mail.example.com", "NIDAN_SMTP=smtp://",
		"NIDAN_SMTP=smtp://user@mail.example.com", "NIDAN_SMTP=smtp://mail.example.com/path", "NIDAN_SMTP=",
		"NIDAN_MAIL_FROM=a@example.com, b@example.com", "NIDAN_MAIL_FROM=nobody", "NIDAN_MAIL_FROM==?utf-8?q?a=0Ab?= <a@example.com>",
		"NIDAN_CONTACT=a@example.com, b@example.com", "NIDAN_HOURS=always", "NIDAN_HOURS=9:00", "NIDAN_HOURS=9:00-9:00",
		"NIDAN_HOUSE_ZONE=Local", "NIDAN_HOUSE_ZONE=JST", "NIDAN_HOUSE_ZONE=../etc/passwd",
		"NIDAN_TRUSTED_PROXIES=proxy.example.com", "NIDAN_TRUSTED_PROXIES=0.0.0.0/0", "NIDAN_TRUSTED_PROXIES=10.0.0.7, ::/0",
		"NIDAN_TRUSTED_PROXIES=::ffff:10.0.0.0/104", "NIDAN_LOG=", "NIDAN_LOG=info+2",
	} {
		name, _, _ := strings.Cut(wrong, "=")
		environ := []string{base, "NIDAN_MAIL_FROM=portal@example.com", wrong}
		got := faults(t, "", environ...)
		if len(got) != 1 || !strings.HasPrefix(got[0], name+" (environment): must ") {
			t.Errorf("%q: %q, want one fault of %s", wrong, got, name)
		}
	}
}

func TestASocketIsAPathOrOnTheLoopbackNetwork(t *testing.T) {
	for text, want := range map[string][2]string{
		"/run/nidan/lmtp.sock": {"unix", "/run/nidan/lmtp.sock"}, "unix:/run/l": {"unix", "/run/l"},
		"127.0.0.1:2424": {"tcp", "127.0.0.1:2424"}, "localhost:24": {"tcp", "localhost:24"}, "[::1]:24": {"tcp", "[::1]:24"},
	} {
		c := load(t, "", "NIDAN_LMTP="+text)
		same(t, "network of "+text, c.LMTP.Network(), want[0])
		same(t, "address of "+text, c.LMTP, want[1])
	}
	same(t, "bounces", load(t, "", "NIDAN_MAIL_FROM=Portal <portal@example.com>").Bounces.Address, "bounce@example.com")
}

func TestABaseURLFollowsFromWhereThePortalListens(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:80": "http://127.0.0.1:80", "localhost:8080": "http://localhost:8080", "[::1]:8080": "http://[::1]:8080",
		":8080": "http://localhost:8080", "0.0.0.0:8080": "http://localhost:8080", "[::]:8080": "http://localhost:8080",
	} {
		same(t, "base URL of "+listen, load(t, "", "NIDAN_LISTEN="+listen).BaseURL, want)
	}
	got := faults(t, "", "NIDAN_LISTEN=192.0.2.1:80")
	if len(got) != 1 || !strings.HasPrefix(got[0], "NIDAN_BASE_URL (not set): must be set") {
		t.Errorf("a portal that others reach without a base URL: %q", got)
	}
}

func TestASecretIsNeverRepeated(t *testing.T) {
	const password = "hunter2hunter2"
	aside := write(t, "smtp", "smtp://portal:"+password+"@mail.example.com\n")
	c := load(t, "", "NIDAN_DATABASE=postgres://nidan:"+password+"@db/nidan", "NIDAN_SMTP_FILE="+aside)
	same(t, "SMTP", c.SMTP.Hostname(), "mail.example.com")
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), fmt.Sprintf("%v", &c)} {
		if strings.Contains(text, password) || !strings.Contains(text, "NIDAN_SMTP=(hidden)") {
			t.Errorf("the settings as text: %s", text)
		}
	}
	_, err := config.Load("", []string{
		"NIDAN_DATABASE=mysql://nidan:" + password + "@db/nidan",
		"NIDAN_SMTP=smtp://portal:" + password + "@mail.example.com:port",
	})
	if err == nil || strings.Contains(err.Error(), password) {
		t.Errorf("the faults as text: %v", err)
	}
}
