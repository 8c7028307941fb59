package browsertest

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"nidan/internal/phrase"
)

// An operator imports the sample: each page shows what the one before has led to.
func TestThePagesOfAnImportAreWholeInBothLanguages(t *testing.T) {
	t.Parallel()
	s := build(t)
	b := s.tab(phrase.English)
	b.enter(b.staff())
	sample, err := filepath.Abs("../../docs/sample-import.csv")
	s.must(err)
	examine := func(name, path string, status int) {
		b.Helper()
		for _, lang := range phrase.Langs {
			b.speak(lang)
			b.open(path)
			b.examine(scene{name: name, status: status, mixed: true})
		}
	}
	examine("import-none", "/operator/import", http.StatusOK)
	for _, lang := range phrase.Langs {
		b.speak(lang)
		b.open("/operator/import")
		b.press(primary)
		b.examine(scene{name: "import-wrong", status: http.StatusUnprocessableEntity, posted: true, mixed: true})
	}
	b.do(chromedp.SetUploadFiles(chromedp.ID("file"), []string{sample}))
	b.press(primary)
	place := b.path()
	b.at(place, http.StatusOK)
	s.must(s.portal.Import(t.Context()))
	examine("import-sample", place, http.StatusOK)
	b.press(primary)
	s.must(s.portal.Import(t.Context()))
	examine("import-finished", place, http.StatusOK)
	examine("import-list", "/operator/import", http.StatusOK)
	examine("import-old", "/operator/import/old-hashes", http.StatusOK)
}
