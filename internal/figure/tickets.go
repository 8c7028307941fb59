package figure

import (
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/hours"
	"nidan/internal/operator"
	"nidan/internal/phrase"
	"nidan/internal/ticket"
)

// ticketsSQL fills a world with tickets, as crowdSQL does with people.
//
//go:embed tickets.sql
var ticketsSQL string

// What the tickets of a bench are about: every text holds some of these words. Of
// the first and the second no text holds both, though each is in many.
var subjects = []string{"認証", "照会", "設定", "二段階", "パスワード", "アプリ", "コード", "変更", "エラー", "スマートフォン", "メール", "管理者", "一般ユーザー", "招待",
	"ロック", "解除", "期限", "延長", "通知", "QR code", "sign in", "phone", "clock", "window", "請求書"}

// texts are different texts of tickets; the pairs of each are the ticket room's.
func texts(n int) (summaries, pairs []string) {
	for i := range n {
		words := []string{subjects[i%2], subjects[2+i%(len(subjects)-2)], subjects[2+(i*7+3)%(len(subjects)-2)], subjects[2+(i*13+5)%(len(subjects)-2)]}
		if i%97 == 0 {
			words = append(words, "珍事 "+strconv.Itoa(i))
		}
		text := strings.Join(words, "の ")
		summaries = append(summaries, fmt.Sprintf("(%d, '%s')", i, text))
		for _, pair := range ticket.Pairs(text, 100) {
			pairs = append(pairs, fmt.Sprintf("(%d, '%s')", i, pair))
		}
	}
	return summaries, pairs
}

const (
	ticketTexts = 1000
	ticketPart  = 10_000 // tickets in one transaction
)

// tickets: the lists, the queue and the search over so many tickets.
func (r *Run) tickets(ctx context.Context) error {
	w, err := r.open(ctx, 20)
	defer w.close()
	if err != nil {
		return err
	}
	staff, err := w.staff(ctx, w.portal.Keys)
	if err != nil {
		return err
	}
	began := clk.Machine()
	if err := r.fillTickets(ctx, w, staff); err != nil {
		return err
	}
	r.told(fmt.Sprintf("writing %s tickets", phrase.Number(int64(r.Tickets))), clk.Machine().Sub(began).Seconds(), "s")
	find := func(path, words string) string { return path + "?q=" + url.QueryEscape(words) }
	middle := strconv.Itoa(r.Tickets / 2)
	customer := []string{"/tickets", "/tickets?state=open", "/tickets?state=answered", "/tickets?after=" + middle,
		find("/tickets", "認証"), find("/tickets", "設定"), find("/tickets", "認証 設定"), find("/tickets", "珍事")}
	desk := []string{"/operator/tickets", "/operator/tickets?show=mine", "/operator/tickets?show=unassigned", "/operator/tickets?show=closed",
		"/operator/tickets?show=closed&after=" + middle, find("/operator/tickets", "認証"), find("/operator/tickets", "設定"), find("/operator/tickets", "認証 設定"),
		find("/operator/tickets", "珍事"), find("/operator/tickets", "認証 照会"), find("/operator/tickets", "一般ユーザー スマートフォン")}
	if err := r.ticketPages(ctx, w, w.people[0], customer); err != nil {
		return err
	}
	return r.ticketPages(ctx, w, staff, desk)
}

// ticketPages asks for pages: lists at most 50 ms, searches at most 200 ms.
func (r *Run) ticketPages(ctx context.Context, w *world, who Person, paths []string) error {
	report, err := r.load(ctx, Order{URL: w.url, Do: "pages", Times: 2 * requests, People: []Person{who}, Paths: paths})
	if err != nil {
		return err
	}
	for _, path := range paths {
		limit := 50.0
		if strings.Contains(path, "q=") {
			limit = 200
		}
		name, _ := url.QueryUnescape(path) // it was made above
		r.told(name+": median", millis(quantile(report.Pages[path], 0.5)), "ms")
		r.atMost(name+": 99th percentile", millis(quantile(report.Pages[path], 0.99)), limit, "ms")
	}
	return nil
}

// fillTickets writes the tickets.
func (r *Run) fillTickets(ctx context.Context, w *world, staff Person) error {
	me, err := account.Holder(ctx, w.db, account.Key(w.people[0].Email))
	if err != nil {
		return err
	}
	desk, err := operator.Find(ctx, w.db, account.Key(staff.Email))
	if err != nil {
		return err
	}
	now := w.portal.Clock.Now()
	values := map[string]string{"organization": me.Organization, "operator": desk.ID, "organizations": "1000", "mine": "100", "texts": strconv.Itoa(ticketTexts),
		"opens": micros(now.Add(-time.Duration(r.Tickets) * time.Second)), "day": strconv.FormatInt(hours.DayOf(now, w.portal.Config.HouseZone).Number(), 10)}
	if err := w.runSQL(ctx, ticketsSQL, "once", values); err != nil {
		return err
	}
	summaries, pairs := texts(ticketTexts)
	values["summaries"], values["pairs"] = strings.Join(summaries, ", "), strings.Join(pairs, ", ")
	if err := w.runSQL(ctx, ticketsSQL, "texts", values); err != nil {
		return err
	}
	for from := 1; from <= r.Tickets; from += ticketPart {
		to := min(from+ticketPart, r.Tickets+1)
		values["from"], values["to"] = strconv.Itoa(from), strconv.Itoa(to)
		if err := w.runSQL(ctx, ticketsSQL, "each", values); err != nil {
			return err
		}
		if (to-1)%100_000 == 0 {
			r.tell("%s tickets are written …", phrase.Number(int64(to-1)))
		}
	}
	return w.runSQL(ctx, ticketsSQL, "last", values)
}
