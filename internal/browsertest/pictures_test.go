package browsertest

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/chromedp/chromedp"

	"nidan/internal/phrase"
)

// pictured are the scenes whose pictures the guides and the README show, in
// docs/pictures. NIDAN_PICTURES=docs/pictures makes them anew; with
// NIDAN_PICTURES_OF=all it makes one of every page, to be looked at.
var pictured = []string{"signin", "code-totp", "code-mailotp", "setup-method", "setup", "setup-mailbox", "setup-totp",
	"setup-done-totp", "dashboard-setup", "dashboard-totp", "profile-totp", "closed"}

// leading are those of the operator's guide and of the Portal Admins' chapter of the
// handbook, large alone: with people, figures and letters of the demo in them. The
// former is in English.
var (
	leading = []string{"rollout-plan", "rollout-check", "rollout-reminders", "rollout-progress", "passes",
		"import-sample", "audit-row", "audit-failures"}
	helping = []string{"progress", "accounts", "account", "account-new", "network-shut"}
)

// darkly are those that are pictured in the dark as well.
var darkly = []string{"dashboard-setup"}

// picture keeps the page as it looks now.
func (b *tab) picture(name string, at screen, in scheme) {
	b.Helper()
	folder, shown := os.Getenv("NIDAN_PICTURES"), pictured
	switch {
	case in == dark:
		shown = darkly
	case at == desk && b.lang == phrase.English:
		shown = slices.Concat(pictured, leading, helping)
	case at == desk:
		shown = slices.Concat(pictured, helping)
	}
	if folder == "" || os.Getenv("NIDAN_PICTURES_OF") != "all" && !slices.Contains(shown, name) {
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
	small, err := shrink(within(b, chromedp.FullScreenshot(100)), 256)
	b.must(err)
	b.must(os.MkdirAll(folder, 0o755))
	b.must(os.WriteFile(filepath.Join(folder, file), small, 0o644))
}

// shrink writes a picture with the colours that it has most of: pages have few,
// and the rest is the edges of letters.
func shrink(large []byte, most int) ([]byte, error) {
	picture, err := png.Decode(bytes.NewReader(large))
	if err != nil {
		return nil, err
	}
	area, counts := picture.Bounds(), map[color.Color]int{}
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			counts[picture.At(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(counts), func(a, b color.Color) int { return cmp.Compare(counts[b], counts[a]) })
	few := image.NewPaletted(area, colours[:min(len(colours), most)])
	draw.Draw(few, area, picture, area.Min, draw.Src)
	var small bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, few)
	return small.Bytes(), err
}
