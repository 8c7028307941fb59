package browsertest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"nidan/internal/guide"
	"nidan/internal/phrase"
	"nidan/internal/rollout"
	"nidan/internal/store"
)

// announce opens the announcement of the rollout with its window, at an instant.
func (b *tab) announce(now time.Time) {
	b.Helper()
	b.maintain(opens, opens.Add(5*time.Hour))
	b.now(now)
	b.open("/announcement")
}

// plan is the rollout of the stage.
func (s *stage) plan() rollout.Plan {
	s.Helper()
	book, err := rollout.ReadBook(context.Background(), s.db)
	s.must(err)
	return book.Plans[0]
}

// move moves the end by a week, with a message.
func (s *stage) move() {
	s.Helper()
	p := s.plan()
	p.Ends = ends.AddDate(0, 0, 7)
	p.Message = rollout.Message{English: "Many of you have asked for another week.\nHere it is.\n\nYour operators", Japanese: "多くのお客様のご要望により、期限を1週間延ばしました。\n\n運営担当"}
	s.write(func(ctx context.Context, tx *store.Tx) error {
		_, err := rollout.Change(ctx, tx, p, "browsertest")
		return err
	})
}

func (s *stage) withdraw() {
	s.Helper()
	p := s.plan()
	s.write(func(ctx context.Context, tx *store.Tx) error { return rollout.Withdraw(ctx, tx, p, "browsertest") })
}

// shownInGuides are the scenes whose pictures the guides show, by the guides' names.
var shownInGuides = map[string]string{"signin": "signin", "dashboard": "dashboard-setup", "method": "setup-method",
	"address": "setup", "mailbox": "setup-mailbox", "totp": "setup-totp", "ticket": "guide-ticket", "sent": "guide-sent"}

// guiding are scenes that only the guides show.
var guiding = []scene{
	{name: "guide-ticket", lead: func(b *tab) { b.asksForHelp() }},
	{name: "guide-sent", lead: func(b *tab) {
		b.asksForHelp()
		b.press(primary)
		b.sees("T-1")
	}},
}

// asksForHelp fills in the ticket that the announcement speaks of.
func (b *tab) asksForHelp() {
	b.Helper()
	b.enter(b.member(withApp))
	b.open("/tickets/new?category=portal&service=business-portal&kind=question")
	summary, detail := "The set-up on a tablet", "Can the authenticator app run on the tablet of our department?"
	if b.lang == phrase.Japanese {
		summary, detail = "タブレットでの設定について", "部署のタブレットで認証アプリを使えますか。"
	}
	b.do(chromedp.SendKeys(chromedp.ID("summary"), summary), chromedp.SendKeys(chromedp.ID("detail"), detail))
}

// The pictures of the guides can be made, and nobody can scan or type their keys.
// NIDAN_GUIDE_PICTURES=internal/guide/pictures makes those that are embedded anew.
func TestGuidePictures(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("NIDAN_GUIDE_PICTURES")
	if folder == "" {
		folder = t.TempDir()
	}
	if !filepath.IsAbs(folder) {
		folder = filepath.Join("..", "..", folder)
	}
	for _, name := range guide.Pictured {
		for _, one := range slices.Concat(scenes, guiding) {
			if one.name != shownInGuides[name] {
				continue
			}
			for _, lang := range phrase.Langs {
				t.Run(name+"-"+string(lang), func(t *testing.T) {
					t.Parallel()
					b := build(t).tab(lang)
					one.lead(b)
					b.forGuide(filepath.Join(folder, name+"-"+string(lang)+".png"))
				})
			}
		}
	}
}

// unusable makes the picture's key one that nobody can scan or type: whoever reads
// a guide must take the key from the own page. Of the QR only its three corners stay.
const unusable = `(() => {
	for (const e of document.querySelectorAll('.qr svg')) {
		const far = e.viewBox.baseVal.width - 11;
		e.lastElementChild.setAttribute('d', [[4, 4], [far, 4], [4, far]].map(([x, y]) =>
			'M' + x + ' ' + y + 'h7v7h-7zM' + (x + 1) + ' ' + (y + 1) + 'v5h5v-5zM' + (x + 2) + ' ' + (y + 2) + 'h3v3h-3z').join(''));
	}
	for (const e of document.querySelectorAll('.key code')) e.textContent = e.textContent.replace(/\S/g, '•');
	document.activeElement.blur();
})()`

// forGuide keeps the content of the page as a phone shows it.
func (b *tab) forGuide(file string) {
	b.Helper()
	b.look(screen{phone.width, 200, 1}, light)
	b.do(chromedp.Evaluate[chromedp.Void](unusable))
	small, err := shrink(within(b, chromedp.ScreenshotScale(chromedp.CSS("main"), 2)), 12)
	b.must(err)
	b.must(os.WriteFile(file, small, 0o644))
	if text, err := exec.Command(program(b.T, "zbarimg"), "--quiet", "--raw", file).Output(); err == nil {
		b.Errorf("%s holds a key that can be scanned: %s", file, text)
	}
}
