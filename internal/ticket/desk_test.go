package ticket

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/progress"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

var fileID = regexp.MustCompile(`/files/[^"?]*`)

func TestOperatorsAssignLinkAndDelete(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		haruka, mika, olga := s.person(s.org, "Haruka Sato", "en"), s.staff("Mika"), s.staff("Olga")
		s.serve(haruka, upload("/tickets/new", append([]string{"form", strings.Repeat("a", 36)}, announced...), "log.txt", "a line"))
		s.to(s.ask(mika, "POST", "/operator/tickets/T-1", "act", "assign"), "/operator/tickets/T-1?done=assigned")
		s.is(s.ask(mika, "GET", "/operator/tickets?show=mine"), 200, "T-1")
		s.is(s.ask(mika, "GET", "/operator/tickets?show=unassigned"), 200, "Nothing waits here")
		s.is(s.ask(mika, "GET", "/operator/tickets/T-1/assign"), 200, "Olga")
		s.is(s.ask(mika, "POST", "/operator/tickets/T-1/assign", "to", "nobody-there"), 422, "Choose one of the operators")
		s.to(s.ask(mika, "POST", "/operator/tickets/T-1/assign", "to", olga.Ref.ID), "/operator/tickets/T-1?done=assigned")
		s.is(s.ask(olga, "GET", "/operator/tickets?show=mine"), 200, "T-1")
		s.is(s.ask(mika, "POST", "/operator/tickets/T-1", "act", "link", "person", "nobody@x.example"), 422, "No account has this address")
		s.to(s.ask(mika, "POST", "/operator/tickets/T-1", "act", "link", "person", haruka.Person.Email), "/operator/tickets/T-1?done=linked")
		if n := s.count("audit where act = 'account:ticket:linked' and chain = '" + s.org + "' and subject = '" + haruka.Ref.ID + "'"); n != 1 {
			t.Errorf("%d records", n)
		}
		s.is(s.ask(mika, "GET", "/operator/tickets/T-1"), 200, "/operator/passes/"+s.org+"/"+haruka.Ref.ID+"?ticket=T-1")
		s.is(s.ask(mika, "GET", "/operator/tickets/T-1/delete"), 200, "二段階認証の設定について", "Haruka Sato", "1 attachments")
		s.to(s.ask(mika, "POST", "/operator/tickets/T-1/delete"), "/operator/tickets?done=deleted")
		for _, table := range []string{"ticket", "ticket_entry", "ticket_reader", "ticket_pair", "attachment", "attachment_chunk"} {
			if n := s.count(table); n != 0 {
				t.Errorf("%d rows of %s are left", n, table)
			}
		}
		s.is(s.ask(mika, "POST", "/operator/tickets/T-1/delete"), 404)
		if s.opened(haruka) != "T-2" {
			t.Error("a number was given again")
		}
	})
}

func TestSearchFindsTwoCharactersOnBothEngines(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		haruka, bruno, mika := s.person(s.org, "Haruka Sato", "en"), s.person(s.other, "Bruno Brenn", "en"), s.staff("Mika")
		s.opened(haruka)                                                                             // T-1: 認証, 設定
		s.opened(haruka, "summary", "ＭＦＡ Setup", "detail", "The QR code does not show")              // T-2
		s.opened(bruno, "summary", "Invoices", "detail", "請求書の設定")                                   // T-3
		s.opened(haruka, "category", "other", "service", "general", "summary", "x", "detail", "認 証") // T-4
		s.ask(mika, "POST", "/operator/tickets/T-2", append(s.form(mika, "/operator/tickets/T-2"), "act", "answer", "text", "見えるようになりました")...)
		find := func(text string) (own, all string) {
			var lists []string
			for _, list := range []string{s.ask(haruka, "GET", "/tickets?q="+url.QueryEscape(text)).Body.String(), s.ask(mika, "GET", "/operator/tickets?q="+url.QueryEscape(text)).Body.String()} {
				var found []string
				for _, one := range regexp.MustCompile(`<span class="nowrap">(T-\d+)</span>`).FindAllStringSubmatch(list, -1) {
					found = append(found, one[1])
				}
				lists = append(lists, strings.Join(found, " "))
			}
			return lists[0], lists[1]
		}
		for text, want := range map[string][2]string{
			"認証": {"T-1", "T-1"}, "設定": {"T-1", "T-3 T-1"}, "認証 設定": {"T-1", "T-1"}, "二段階認証": {"T-1", "T-1"},
			"mfa": {"T-2", "T-2"}, "ｑｒ": {"T-2", "T-2"}, "なりました": {"T-2", "T-2"}, "請求": {"", "T-3"}, "zz": {"", ""}, "認": {"", ""}, "%_": {"", ""}, "' or 1=1": {"", ""},
		} {
			if own, all := find(text); own != want[0] || all != want[1] {
				t.Errorf("%q: own %q, all %q", text, own, all)
			}
		}
		s.is(s.ask(haruka, "GET", "/tickets?q=認"), 200, "at least two characters")
		s.to(s.ask(haruka, "GET", "/tickets?q=t-2"), "/tickets/T-2")
		s.is(s.ask(haruka, "GET", "/tickets?state=answered"), 200, "T-2")
		s.is(s.ask(haruka, "GET", "/tickets?mine=yes&state=closed"), 200, "No ticket is like this")
	})
}

func TestListsGoOnPageByPageWithoutLosingATicket(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		haruka, mika := s.person(s.org, "Haruka Sato", "en"), s.staff("Mika")
		for i := range 60 {
			s.in(func(ctx context.Context, tx *store.Tx) error {
				n := Asked{By: Visitor(haruka), Language: "en", Category: "portal", Service: "business-portal", Kind: "question", Urgency: Urgencies[i%4],
					Summary: "設定", Detail: "x", Form: strings.Repeat("f", 30) + string(rune('a'+i))}
				if i%2 == 0 {
					n.Service, n.Category = "people", "account"
				}
				_, err := s.room.Desk.Open(ctx, tx, n)
				return err
			})
		}
		next := regexp.MustCompile(`href="([^"]+)" rel="next"`)
		for _, from := range []struct {
			start string
			who   string
		}{{"/tickets", "haruka"}, {"/tickets?q=設定", "haruka"}, {"/tickets?mine=yes", "haruka"}, {"/tickets?state=open", "haruka"}, {"/operator/tickets", "mika"},
			{"/operator/tickets?show=unassigned", "mika"}, {"/operator/tickets?q=設定", "mika"}} {
			v, seen, pages := haruka, map[string]bool{}, 0
			if from.who == "mika" {
				v = mika
			}
			for at := from.start; at != "" && pages < 10; pages++ {
				body := s.ask(v, "GET", at).Body.String()
				for _, one := range regexp.MustCompile(`<span class="nowrap">(T-\d+)</span>`).FindAllStringSubmatch(body, -1) {
					if seen[one[1]] {
						t.Errorf("%s shows %s twice", from.start, one[1])
					}
					seen[one[1]] = true
				}
				at = ""
				if found := next.FindStringSubmatch(body); found != nil {
					at = found[1]
				}
			}
			if len(seen) != 60 || pages > 4 {
				t.Errorf("%s: %d tickets on %d pages", from.start, len(seen), pages)
			}
		}
	})
}

func TestASearchGoesOnBehindWhatItHasLookedThrough(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		haruka := s.person(s.org, "Haruka Sato", "en")
		s.opened(haruka)
		var q question
		window := q.seen(haruka.Ref, Search{}, 1)
		last, err := end(t.Context(), s.DB, window, q.args, 1)
		if err != nil || last != 1 {
			t.Error(last, err)
		}
		q = question{}
		if last, err = end(t.Context(), s.DB, q.holders("認証", Search{}), q.args, 2); err != nil || last != 0 {
			t.Error(last, err)
		}
	})
}

// The contact form makes a ticket in the same way whether or not somebody has that
// address, and no account sees it.
func TestTheContactFormMakesATicketThatNoAccountSees(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		haruka, mika := s.person(s.org, "Haruka Sato", "en"), s.staff("Mika")
		var rows []int
		for i, email := range []string{haruka.Person.Email, "nobody@elsewhere.example"} {
			ctx, trips := store.Counting(t.Context())
			var n Number
			must(t, s.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
				n, err = s.room.Desk.FromContact(ctx, tx, Question{Email: email, Name: "H. Sato", Language: "ja", Summary: "入れません", Detail: "機種変更で", Form: secretForm(i)})
				return err
			}))
			rows = append(rows, int(trips.N()))
			s.is(s.ask(haruka, "GET", "/tickets/"+n.String()), 404)
		}
		if rows[0] != rows[1] {
			t.Errorf("%v round trips: they tell who is there", rows)
		}
		letters := s.mailed()
		if len(letters) != 2 || letters[0].Subject != strings.Replace(letters[1].Subject, "T-2", "T-1", 1) {
			t.Errorf("%+v", letters)
		}
		s.is(s.ask(mika, "GET", "/operator/tickets/T-1"), 200, "nothing proves whose it is", "found by the address above", "Says to be "+haruka.Person.Email+" of Aozora Trading, not proved")
		if body := s.ask(mika, "GET", "/operator/tickets/T-1").Body.String(); strings.Contains(body, "/operator/passes/") || !strings.Contains(body, `value="`+haruka.Person.Email+`"`) {
			t.Errorf("a pass is offered before the person is linked, or the address is to be typed again:\n%s", body)
		}
		s.to(s.ask(mika, "POST", "/operator/tickets/T-1", "act", "link", "person", haruka.Person.Email), "/operator/tickets/T-1?done=linked")
		s.is(s.ask(mika, "GET", "/operator/tickets/T-1"), 200, "/operator/passes/"+s.org+"/"+haruka.Ref.ID+"?ticket=T-1",
			"/operator/audit?subject=T-1", "/operator/audit?subject="+haruka.Ref.ID)
		s.is(s.ask(mika, "GET", "/operator/tickets"), 200, "says to be nobody@elsewhere.example, not proved")
		s.is(s.ask(mika, "GET", "/operator/tickets/T-2"), 200, "No account has that address")
		s.to(s.ask(mika, "POST", "/operator/tickets/T-2", append(s.form(mika, "/operator/tickets/T-2"), "act", "answer", "text", "お電話ください。")...), "/operator/tickets/T-2?done=answer")
		letters = s.mailed()
		if len(letters) != 1 || letters[0].To != "nobody@elsewhere.example" || !strings.Contains(letters[0].Text, "お電話ください。") {
			t.Errorf("%+v", letters)
		}
	})
}

func secretForm(i int) string { return strings.Repeat("s", 30) + string(rune('a'+i)) }

// A mail to a signed address is the contribution of whom it was made for, as long as
// he is of the ticket's people.
func TestAnAnswerByMailIsOfWhomItsAddressWasMadeFor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		haruka, taro, mika := s.person(s.org, "Haruka Sato", "en"), s.person(s.org, "Taro Abe", "en"), s.staff("Mika")
		s.opened(haruka, "contacts", taro.Person.Email)
		s.ask(mika, "POST", "/operator/tickets/T-1", append(s.form(mika, "/operator/tickets/T-1"), "act", "answer", "text", "an answer")...)
		addresses := map[string]string{}
		for _, m := range s.mailed() {
			addresses[m.To] = m.ReplyTo
		}
		if len(addresses) != 2 || addresses[haruka.Person.Email] == addresses[taro.Person.Email] {
			t.Fatal(addresses)
		}
		replied := func(address string) (n Number, said Said, ok bool, err error) {
			n, holder, signed := s.room.Replies.Parse(address)
			if !signed {
				return 0, Said{}, false, nil
			}
			said, ok, err = s.room.Desk.Replied(t.Context(), s.DB, n, holder, taro.Person.Email)
			return n, said, ok, err
		}
		n, said, ok, err := replied(addresses[taro.Person.Email])
		if err != nil || !ok || n != 1 || said.By.Ref != taro.Ref {
			t.Fatal(n, said, ok, err)
		}
		said.Text, said.Form = "by mail", "message id of the mail"
		for range 2 { // the mail server may bring it twice
			s.in(func(ctx context.Context, tx *store.Tx) error { return s.room.Desk.Comment(ctx, tx, n, said) })
		}
		s.is(s.ask(haruka, "GET", "/tickets/T-1"), 200, "by mail", "Taro Abe")
		if s.count("ticket_entry where text = 'by mail'") != 1 {
			t.Error("a mail that came twice is there twice")
		}
		s.in(func(ctx context.Context, tx *store.Tx) error { return account.Suspend(ctx, tx, taro.Ref, "test") })
		for _, address := range []string{addresses[taro.Person.Email], s.room.Replies.Address(1, mika.Ref.ID), s.room.Replies.Address(7, haruka.Ref.ID), s.room.Replies.Address(1, ""), "help@portal.example"} {
			if _, _, ok, err := replied(address); ok || err != nil {
				t.Errorf("%s leads into the thread (%v)", address, err)
			}
		}
	})
}

func TestTemplatesHoursAndFiguresAreTheDesks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		haruka, mika := s.person(s.org, "Haruka Sato", "ja"), s.staff("Mika")
		s.opened(haruka)
		s.is(s.ask(mika, "POST", "/operator/tickets/templates", "title", "Clock", "text_en", "Set the clock", "text_ja", ""), 422, "Enter the Japanese text", "Set the clock")
		s.to(s.ask(mika, "POST", "/operator/tickets/templates", "title", "Clock", "text_en", "Set the clock", "text_ja", "時刻を合わせてください。"), "/operator/tickets/templates?done=saved")
		list := s.ask(mika, "GET", "/operator/tickets/templates").Body.String()
		id := regexp.MustCompile(`\?id=([^"]+)"`).FindStringSubmatch(list)[1]
		s.is(s.ask(mika, "GET", "/operator/tickets/T-1?template="+id), 200, "時刻を合わせてください。")
		s.to(s.ask(mika, "POST", "/operator/tickets/templates", "id", id, "title", "The clock", "text_en", "a", "text_ja", "b"), "/operator/tickets/templates?done=saved")
		s.to(s.ask(mika, "POST", "/operator/tickets/templates", "id", id, "act", "drop"), "/operator/tickets/templates?done=dropped")
		if s.count("answer_template") != 0 {
			t.Error("the template is still there")
		}
		// Monday, 12 March is closed: what is opened after that is due a day later.
		s.is(s.ask(mika, "GET", "/operator/hours"), 200, "Vernal Equinox Day", "known until 2050-12-31", "opens 12 Mar 2018, 09:00 JST")
		s.is(s.ask(mika, "POST", "/operator/hours", "day", "2018-03-32", "kind", "closed"), 422, "Enter a day", "2018-03-32")
		s.is(s.ask(mika, "POST", "/operator/hours", "day", "2018-03-09", "kind", "closed"), 422, "This day is over")
		s.is(s.ask(mika, "POST", "/operator/hours", "day", "2018-03-12"), 422, "Choose whether")
		s.to(s.ask(mika, "POST", "/operator/hours", "day", "2018-03-12", "kind", "closed", "note", "moving house"), "/operator/hours?done=said")
		s.is(s.ask(mika, "GET", "/operator/hours"), 200, "moving house", "opens 13 Mar 2018, 09:00 JST")
		s.opened(haruka)
		s.is(s.ask(mika, "GET", "/operator/tickets/T-2"), 200, "14 Mar 2018, 17:30 JST", "in 17 hours of business hours")
		s.to(s.ask(mika, "POST", "/operator/hours", "day", "2018-03-12", "act", "unsay"), "/operator/hours?done=unsaid")
		s.Clock.Set(s.Clock.Now().Add(4 * 24 * time.Hour)) // Wednesday, noon
		s.is(s.ask(mika, "GET", "/operator/tickets"), 200, "3 hours of business hours late")
		s.ask(mika, "POST", "/operator/tickets/T-1", append(s.form(mika, "/operator/tickets/T-1"), "act", "close", "text", "done by phone")...)
		s.is(s.ask(mika, "GET", "/operator/tickets/figures"), 200, "<svg", "Created and closed each day", "Portal", "No rollout ran in these days.", `class="plot bars"`, ">2 created<", ">1 closed<")
		opens := time.Date(2018, 3, 4, 0, 0, 0, 0, time.FixedZone("JST", 9*60*60))
		s.room.Beside = func(_ context.Context, since time.Time) (Course, bool, error) {
			if want := time.Date(2018, 1, 18, 0, 0, 0, 0, opens.Location()); !since.Equal(want) {
				t.Errorf("asked since %s, not %s", since, want)
			}
			return Course{Rollout: "the-id", Opens: opens, Ends: opens.AddDate(0, 0, 52), Hours: []progress.Hour{{At: opens.Add(time.Hour), Figures: progress.Figures{TOTP: 41, MailOTP: 1}}}}, true, nil
		}
		s.is(s.ask(mika, "GET", "/operator/tickets/figures"), 200, "The rollout of the whole portal: from 4 Mar 2018, 00:00 JST", "24 Apr 2018, 24:00 JST", "/operator/rollouts/the-id/progress",
			">42 enrolled<", ">Opening<", "Newly enrolled", `data-label="Enrolled in all">42<`)
		s.is(s.ask(mika, "GET", "/operator/tickets/figures?lang=ja"), 200, "日ごとの作成数とクローズ数")
		if n := s.count("audit where chain = 'operators'"); n != 5 {
			t.Errorf("%d records of five deeds", n)
		}
	})
}
