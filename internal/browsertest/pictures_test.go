package browsertest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/chromedp/chromedp"
)

// pictured are the scenes whose pictures the guides and the README show, in
// docs/pictures. NIDAN_PICTURES=docs/pictures makes them anew, and
// NIDAN_PICTURES_OF=all makes one of every page, to be looked at.
var pictured = []string{"signin", "code-totp", "code-mailotp", "setup-method", "setup", "setup-mailbox", "setup-totp",
	"setup-done-totp", "dashboard-setup", "dashboard-totp", "profile-totp", "closed"}

// picture keeps the page as it looks now.
func (b *tab) picture(name string, at screen, in scheme) {
	b.Helper()
	folder, all := os.Getenv("NIDAN_PICTURES"), os.Getenv("NIDAN_PICTURES_OF") == "all"
	if folder == "" || !all && (in == dark || !slices.Contains(pictured, name)) {
		return
	}
	if !filepath.IsAbs(folder) {
		folder = filepath.Join("..", "..", folder)
	}
	file := fmt.Sprintf("%s-%s-%d.png", name, b.lang, at.width)
	if in == dark {
		file = fmt.Sprintf("%s-%s-%d-dark.png", name, b.lang, at.width)
	}
	// The screen is made as high as the page, so that all of it is drawn.
	height := within(b, chromedp.Evaluate[int64]("document.documentElement.scrollHeight"))
	b.look(screen{at.width, max(at.height, height), at.scale}, in)
	b.must(os.MkdirAll(folder, 0o755))
	b.must(os.WriteFile(filepath.Join(folder, file), within(b, chromedp.FullScreenshot(100)), 0o644))
}
