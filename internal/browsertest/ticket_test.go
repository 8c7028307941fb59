package browsertest

import (
	"net/http"
	"testing"

	"nidan/internal/phrase"
)

// One portal for all pages of tickets: what the customer does the desk sees.
func TestThePagesOfTicketsAreWholeInBothLanguages(t *testing.T) {
	s := build(t)
	b, desk := s.tab(phrase.English), s.tab(phrase.English)
	b.enter(b.member(withApp))
	desk.enter(desk.staff())
	see := func(b *tab, name string, status int, posted bool) {
		b.Helper()
		b.examine(scene{name: name, status: status, posted: posted, mixed: true})
	}
	for i, lang := range phrase.Langs {
		b.speak(lang)
		desk.speak(lang)
		number := []string{"T-1", "T-2"}[i]
		if i == 0 {
			b.open("/tickets")
			see(b, "tickets-none", http.StatusOK, false)
			desk.open("/operator/tickets")
			see(desk, "queue-none", http.StatusOK, false)
		}
		b.open("/tickets/new?category=portal&service=business-portal&kind=trouble")
		b.fill("summary", "", "detail", "認証アプリの確認コードが一致しません。\nThe code of the app does not match.", "contacts", "nobody@elsewhere.example")
		see(b, "ticket-new-wrong", http.StatusUnprocessableEntity, true)
		b.open("/tickets/new?category=portal&service=business-portal&kind=trouble")
		b.fill("summary", "認証アプリの設定ができない", "detail", "認証アプリの確認コードが一致しません。\nThe code of the app does not match.")
		b.at("/tickets/"+number, http.StatusOK)
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
