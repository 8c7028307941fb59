package browsertest

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"nidan/internal/phrase"
)

// scan reads the QR on the page as a phone does: from its picture.
func (b *tab) scan() (link *url.URL) {
	b.Helper()
	file := filepath.Join(b.TempDir(), "qr.png")
	b.must(os.WriteFile(file, within(b, chromedp.ScreenshotScale(chromedp.CSS(".qr"), 2)), 0o600))
	text, err := exec.Command(program(b.T, "zbarimg"), "--quiet", "--raw", file).Output()
	if err != nil {
		b.Fatalf("zbarimg reads nothing from the picture of the QR: %v", err)
	}
	link, err = url.Parse(strings.TrimSpace(string(text)))
	b.must(err)
	return link
}

// setUpApp goes through the whole set-up, from the sign-in to its end.
func (b *tab) setUpApp(p *person) (key string) {
	b.Helper()
	b.signIn(p)
	b.at("/", http.StatusOK)
	b.press("main a[href='/setup']")
	b.at("/setup", http.StatusOK)
	b.sees(p.Email)
	mails := b.sink.count(p.Email)
	b.press(primary)
	b.at("/setup/mailbox", http.StatusOK)
	b.fill("code", b.sink.code(p.Email, mails))
	b.at("/setup/totp", http.StatusOK)
	link := b.scan()
	key = link.Query().Get("secret")
	if link.Scheme != "otpauth" || link.Host != "totp" || !strings.HasSuffix(link.Path, ":"+p.Email) || len(key) != 32 {
		b.Fatalf("the QR holds %s", link)
	}
	b.fill("code", b.oathOf(key))
	b.at("/setup/done", http.StatusOK)
	return key
}

func TestSomebodySetsUpTOTPAndSignsInWithIt(t *testing.T) {
	t.Parallel()
	s := build(t)
	taro := s.person("Taro Abe")
	s.now(during)
	b := s.tab(phrase.English)
	key := b.setUpApp(taro)
	b.press(primary)
	b.at("/", http.StatusOK)
	b.press("header form button")
	b.at("/signin", http.StatusOK)

	s.later(30 * time.Second) // the code of set-up is spent: the next one
	b.fill("email", taro.Email, "password", taro.password)
	b.at("/signin/code", http.StatusOK)
	if text := b.text(); strings.Contains(text, taro.Name) || strings.Contains(text, "Aozora") || strings.Contains(text, taro.Email) {
		t.Errorf("the password alone shows whose it is:\n%s", text)
	}
	b.open("/profile")
	b.at("/signin/code", http.StatusOK)
	b.fill("code", b.oathOf(key))
	b.at("/", http.StatusOK)
	b.sees("Taro Abe")

	second := s.tab(phrase.English) // the password alone, elsewhere
	second.signIn(taro)
	second.at("/signin/code", http.StatusOK)
	second.fill("code", s.oathOf(key))
	second.at("/signin/code", http.StatusUnprocessableEntity)
	second.sees("was used already")
	b.quiet()
	second.quiet()
}

func TestAPortalAdminSetsUpMailOTPAndSignsInWithIt(t *testing.T) {
	t.Parallel()
	s := build(t)
	hanako := s.person("Hanako Sato", admin)
	s.now(during)
	b := s.tab(phrase.English)
	b.signIn(hanako)
	b.press("main a[href='/setup']")
	b.at("/setup/method", http.StatusOK)
	b.do(chromedp.Click(chromedp.CSS("input[value=mailotp]")))
	b.press(primary)
	b.at("/setup", http.StatusOK)
	b.press(primary)
	b.at("/setup/mailbox", http.StatusOK)
	b.fill("code", s.sink.code(hanako.Email, 0))
	b.at("/setup/done", http.StatusOK)
	b.press("header form button")

	s.later(time.Minute)
	mails := s.sink.count(hanako.Email)
	b.fill("email", hanako.Email, "password", hanako.password)
	b.at("/signin/code", http.StatusOK)
	first := s.sink.code(hanako.Email, mails)
	s.later(time.Minute)
	mails = s.sink.count(hanako.Email)
	b.press(another)
	b.at("/signin/code", http.StatusOK)
	newest := s.sink.code(hanako.Email, mails)
	if first == newest {
		t.Fatal("the new code is the old one")
	}
	b.fill("code", first)
	b.at("/signin/code", http.StatusUnprocessableEntity)
	b.fill("code", newest)
	b.at("/", http.StatusOK)
	b.quiet()
}

func TestAForgottenPasswordIsResetByTheMailedLink(t *testing.T) {
	t.Parallel()
	s := build(t)
	taro := s.person("Taro Abe", withApp)
	s.now(during)
	b := s.tab(phrase.English)
	b.open("/signin")
	b.press("main a[href='/password/forgot']")
	b.fill("email", taro.Email, "name", "Taro Abe", "phone", "81312345678")
	b.at("/password/forgot/sent", http.StatusOK)
	link := s.sink.link(taro.Email, 0)
	if got := s.get(link); got != http.StatusOK { // a scanner of links looks first, and spends nothing
		t.Fatalf("the link answers %d", got)
	}
	b.open(link)
	b.fill("password", "marble under quiet snow", "password_again", "marble under quiet snow")
	b.at(link+"/done", http.StatusOK)
	b.press(primary)
	taro.password = "marble under quiet snow"
	b.enter(taro)
	b.quiet()
}
