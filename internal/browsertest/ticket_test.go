package browsertest

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"nidan/internal/phrase"
)

// One portal for all pages of tickets: what the customer does the desk sees.
func TestThePagesOfTicketsAreWholeInBothLanguages(t *testing.T) {
	t.Parallel()
	s := build(t)
	b, desk := s.tab(phrase.English), s.tab(phrase.English)
	file := filepath.Join(t.TempDir(), "line.txt")
	b.must(os.WriteFile(file, []byte("a line of a log\n"), 0o600))
	program := filepath.Join(t.TempDir(), "run.exe")
	b.must(os.WriteFile(program, []byte("MZ\x90\x00\x03\x00\x00\x00"), 0o600))
	b.enter(b.member(withApp))
	desk.enter(desk.staff())
	see := func(b *tab, name string, status int, posted bool) {
		b.Helper()
		b.examine(scene{name: name, status: status, posted: posted, mixed: true})
	}
	for i, lang := range phrase.Langs {
		b.speak(lang)
		desk.speak(lang)
		number := []string{"T-2", "T-3"}[i]
		if i == 0 {
			// What the script sends and the portal refuses comes back as the page it is.
			b.open("/tickets/new?category=portal&service=business-portal&kind=trouble")
			b.do(chromedp.SetUploadFiles(chromedp.ID("attachment"), []string{program}), chromedp.SendKeys(chromedp.ID("detail"), "a detail that is kept"),
				chromedp.Click(chromedp.CSS(primary)), chromedp.WaitVisible(chromedp.CSS(".errors")))
			b.sees("run.exe is of a kind that is not taken", "Enter a summary")
			b.fill("summary", "sent again from the page that came back")
			b.sees("a detail that is kept")
			b.press("main button[value=close]")
			b.open("/tickets?state=open")
			see(b, "tickets-none", http.StatusOK, false)
			desk.open("/operator/tickets")
			see(desk, "queue-none", http.StatusOK, false)
		}
		b.open("/tickets/new?category=portal&service=business-portal&kind=trouble")
		b.fill("summary", "", "detail", "認証アプリの確認コードが一致しません。\nThe code of the app does not match.", "contacts", "nobody@elsewhere.example")
		see(b, "ticket-new-wrong", http.StatusUnprocessableEntity, true)
		b.open("/tickets/new?category=portal&service=business-portal&kind=trouble")
		b.do(chromedp.SetUploadFiles(chromedp.ID("attachment"), []string{file})) // sent by the script, which tells how far it is
		if i == 0 {                                                              // refused for now: what was typed and chosen stays where it is
			b.do(chromedp.SendKeys(chromedp.ID("summary"), "x"), chromedp.SendKeys(chromedp.ID("detail"), "y"))
			s.busy.Store(1)
			b.do(chromedp.Click(chromedp.CSS(primary)), chromedp.WaitVisible(chromedp.CSS("form [role=status]")))
			b.do(chromedp.WaitNotPresent(chromedp.CSS("form progress")), chromedp.WaitEnabled(chromedp.CSS(primary)))
			b.sees("Nothing was changed by this request", "Please try again in a moment")
			// The bar may be gone before anybody sees it: what is waited for is what stays.
			b.cutOff(chromedp.Click(chromedp.CSS(primary)), chromedp.Poll[chromedp.Void](
				`document.querySelector("form [role=status]").textContent.startsWith("The connection broke off before the portal had answered")`, chromedp.WithPollingTimeout(0)))
			b.do(chromedp.WaitNotPresent(chromedp.CSS("form progress")), chromedp.WaitEnabled(chromedp.CSS(primary)))
		}
		b.fill("summary", "認証アプリの設定ができない", "detail", "認証アプリの確認コードが一致しません。\nThe code of the app does not match.")
		b.at("/tickets/"+number, http.StatusOK)
		b.sees("line.txt")
		desk.open("/operator/tickets/templates")
		desk.fill("title", "Clock", "text_en", "Set the clock of the phone to automatic.", "text_ja", "スマートフォンの時刻を自動に設定してください。")
		see(desk, "templates", http.StatusOK, false)
		desk.open("/operator/tickets/" + number)
		desk.open("/operator/tickets/" + number + "/assign")
		desk.press(primary)
		desk.fill("text", "スマートフォンの時刻を自動に設定してください。")
		see(desk, "ticket-desk-answered", http.StatusOK, false)
		b.open("/tickets/" + number)
		desk.fill("text", "And the app, please: delete the old entry first.")
		b.fill("text", "Still the same.")
		see(b, "ticket-went-on", http.StatusUnprocessableEntity, true)
		b.press("main button[value=close]")
		see(b, "ticket-closed", http.StatusOK, false)
		b.open("/tickets")
		see(b, "tickets", http.StatusOK, false)
		desk.open("/operator/tickets?show=closed")
		see(desk, "queue", http.StatusOK, false)
		desk.open("/operator/tickets/" + number + "/delete")
		see(desk, "ticket-delete", http.StatusOK, false)
		desk.open("/operator/tickets/figures")
		see(desk, "ticket-figures", http.StatusOK, false)
		desk.open("/operator/hours")
		see(desk, "hours", http.StatusOK, false)
	}
}
