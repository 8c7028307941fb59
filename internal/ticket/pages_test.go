package ticket

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// The whole life of the announcement's ticket: created, answered, commented, answered,
// closed; with its letters and its record.
func TestATicketIsCreatedAnsweredAndClosed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		haruka, mika := s.person(s.org, "Haruka Sato", "ja"), s.staff("Mika")
		s.is(s.ask(haruka, "GET", "/tickets"), 200, "No tickets yet")
		form := s.form(haruka, "/tickets/new")
		made := s.ask(haruka, "POST", "/tickets/new", append(form, announced...)...)
		s.to(made, "/tickets/T-1?done=created")
		s.to(s.ask(haruka, "POST", "/tickets/new", append(form, announced...)...), "/tickets/T-1?done=created") // a double click
		if s.count("ticket") != 1 || s.count("ticket_entry") != 1 || s.count("audit") != 1 || s.count("mail") != 1 {
			t.Error("a double click did something twice")
		}
		s.is(s.ask(haruka, "GET", "/tickets/T-1?done=created"), 200, "T-1 was created", "認証アプリの設定ができません。", "Everybody in your organization")
		letters := s.mailed()
		if len(letters) != 1 || letters[0].To != haruka.Person.Email || !strings.Contains(letters[0].Text, "portal.example/tickets/T-1") ||
			!strings.Contains(letters[0].Text, "受け付けました") || strings.Contains(letters[0].Text, "認証アプリ") || strings.Contains(letters[0].Text, "https://") {
			t.Errorf("%+v", letters)
		}
		// Saturday, 10 March, noon: two working days from Monday 9:00 end on Tuesday, 17:30.
		s.is(s.ask(mika, "GET", "/operator/tickets"), 200, "T-1", "in 17 hours of business hours", "Nobody")
		s.is(s.ask(mika, "GET", "/operator/tickets/T-1"), 200, "13 Mar 2018, 17:30 JST", "Haruka Sato", "Aozora Trading", "/operator/passes/"+s.org)
		s.to(s.ask(mika, "GET", "/tickets/T-1"), "/operator/tickets/T-1")
		s.Clock.Set(s.Clock.Now().Add(48 * time.Hour)) // Monday, noon
		s.to(s.ask(mika, "POST", "/operator/tickets/T-1", append(s.form(mika, "/operator/tickets/T-1"), "act", "answer", "text", "アプリを入れ直してください。")...),
			"/operator/tickets/T-1?done=answer")
		letters = s.mailed()
		if len(letters) != 1 || !strings.Contains(letters[0].Text, "回答しました") || strings.Contains(letters[0].Text, "入れ直して") || !strings.HasPrefix(letters[0].ReplyTo, "help+t1.") {
			t.Errorf("%+v", letters)
		}
		s.is(s.ask(haruka, "GET", "/tickets/T-1"), 200, "Pending Closure", "アプリを入れ直してください。", "Close ticket", "Mika")
		s.to(s.ask(haruka, "POST", "/tickets/T-1", append(s.form(haruka, "/tickets/T-1"), "act", "comment", "text", "まだできません。")...), "/tickets/T-1?done=comment")
		s.is(s.ask(mika, "GET", "/operator/tickets?show=mine"), 200, "T-1", "in 17 hours of business hours")
		s.to(s.ask(mika, "POST", "/operator/tickets/T-1", append(s.form(mika, "/operator/tickets/T-1"), "act", "answer", "text", "時刻を合わせてください。")...), "/operator/tickets/T-1?done=answer")
		last := append(s.form(haruka, "/tickets/T-1"), "act", "close", "text", "")
		s.to(s.ask(haruka, "POST", "/tickets/T-1", last...), "/tickets/T-1?done=close")
		s.to(s.ask(haruka, "POST", "/tickets/T-1", last...), "/tickets/T-1?done=close")
		s.is(s.ask(haruka, "GET", "/tickets/T-1"), 200, "Closed", "まだできません。", "It stays here to be read")
		s.is(s.ask(haruka, "POST", "/tickets/T-1", "form", strings.Repeat("x", 36), "version", "5", "act", "comment", "text", "one more"), 422, "The ticket is closed", "one more")
		var took int64
		must(t, s.DB.QueryRow(t.Context(), `select answer_took from ticket where number = 1`).Scan(&took))
		if time.Duration(took)*time.Microsecond != 3*time.Hour {
			t.Errorf("the first answer took %s of business time", time.Duration(took)*time.Microsecond)
		}
		if n := s.count("audit where act like 'help:ticket:%'"); n != 5 {
			t.Errorf("%d records of five deeds", n)
		}
	})
}

// Every address of this room, for a ticket of others and one that never was: the
// same answer, and nothing done.
func TestATicketOfOthersIsLikeOneThatNeverWas(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		haruka, taro, bruno := s.person(s.org, "Haruka Sato", "en"), s.person(s.org, "Taro Abe", "en"), s.person(s.other, "Bruno Brenn", "en")
		shared := s.serve(haruka, upload("/tickets/new", append([]string{"form", strings.Repeat("a", 36)}, announced...), "log.txt", "a line"))
		s.to(shared, "/tickets/T-1?done=created")
		private := append(append([]string{}, announced...), "category", "account", "service", "people")
		s.to(s.ask(haruka, "POST", "/tickets/new", private...), "/tickets/T-2?done=created")
		var file string
		must(t, s.DB.QueryRow(t.Context(), `select id from attachment`).Scan(&file))
		s.is(s.ask(taro, "GET", "/tickets/T-1"), 200)
		s.is(s.ask(taro, "GET", "/tickets/T-1/files/"+file), 200, "a line")
		before := s.count("ticket_entry") + s.count("audit") + s.count("ticket_reader")
		want := s.ask(bruno, "GET", "/tickets/T-99")
		s.is(want, 404, "There is no such ticket here")
		for _, c := range []struct {
			who    string
			ticket string
		}{{"bruno", "T-1"}, {"bruno", "T-2"}, {"taro", "T-2"}, {"bruno", "x"}, {"bruno", "T-0"}} {
			v := bruno
			if c.who == "taro" {
				v = taro
			}
			for _, one := range [][]string{{"GET", ""}, {"GET", "/files/" + file}, {"POST", "", "form", strings.Repeat("b", 36), "version", "1", "act", "comment", "text", "x"},
				{"POST", "", "act", "close", "version", "1"}, {"POST", "", "act", "tell", "contact", "bruno.brenn@x.example"}, {"POST", "", "act", "note", "text", "x", "version", "1"}} {
				got := s.ask(v, one[0], "/tickets/"+c.ticket+one[1], one[2:]...)
				if got.Code != 404 || neutral(got.Body.String()) != neutral(want.Body.String()) {
					t.Errorf("%s %v %s: %d\n%s", c.who, one, c.ticket, got.Code, got.Body)
				}
			}
		}
		if list := s.ask(bruno, "GET", "/tickets").Body.String(); strings.Contains(list, `/T-1"`) {
			t.Error("a ticket of others is on the list")
		}
		s.is(s.ask(taro, "GET", "/tickets"), 200, "T-1")
		if list := s.ask(taro, "GET", "/tickets").Body.String() + s.ask(taro, "GET", "/tickets?q=設定").Body.String(); strings.Contains(list, `/T-2"`) {
			t.Error("a colleague's ticket is on the list")
		}
		if before != s.count("ticket_entry")+s.count("audit")+s.count("ticket_reader") {
			t.Error("something was done")
		}
		// A contact sees it from then on, and no more when he is removed.
		s.to(s.ask(haruka, "POST", "/tickets/T-2", "act", "tell", "contact", taro.Person.Email), "/tickets/T-2?done=tell")
		s.is(s.ask(taro, "GET", "/tickets/T-2"), 200)
		s.to(s.ask(haruka, "POST", "/tickets/T-2", "act", "untell", "contact", taro.Person.Email), "/tickets/T-2?done=untell")
		s.is(s.ask(taro, "GET", "/tickets/T-2"), 404)
		s.is(s.ask(haruka, "POST", "/tickets/T-2", "act", "tell", "contact", bruno.Person.Email), 422, "Nobody in the organization signs in with "+bruno.Person.Email)
		s.in(func(ctx context.Context, tx *store.Tx) error { return account.Suspend(ctx, tx, haruka.Ref, "test") })
		s.is(s.ask(taro, "GET", "/tickets/T-1"), 200, "Haruka Sato")
	})
}

func neutral(body string) string {
	for _, id := range []string{"T-99", "T-1", "T-2", "T-0"} {
		body = strings.ReplaceAll(body, "/tickets/"+id, "")
	}
	if at := strings.Index(body, "/tickets/x"); at >= 0 {
		body = strings.ReplaceAll(body, "/tickets/x", "")
	}
	return fileID.ReplaceAllString(body, "")
}

// Two answers at once, a customer who closes while an answer is on its way, and the
// other way round: nothing is lost and nothing is doubled.
func TestWhatHappensAtOnceIsNeitherLostNorDoubled(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		haruka, mika, olga := s.person(s.org, "Haruka Sato", "en"), s.staff("Mika"), s.staff("Olga")
		s.opened(haruka)
		first, second := s.form(mika, "/operator/tickets/T-1"), s.form(olga, "/operator/tickets/T-1")
		s.to(s.ask(mika, "POST", "/operator/tickets/T-1", append(first, "act", "answer", "text", "the first answer")...), "/operator/tickets/T-1?done=answer")
		again := s.ask(olga, "POST", "/operator/tickets/T-1", append(second, "act", "answer", "text", "the second answer")...)
		s.is(again, 422, "The ticket went on since this page was shown", "the first answer", "the second answer", ", new")
		if s.count("ticket_entry") != 2 {
			t.Error("both answers were sent")
		}
		// A customer closes while the second answer is written.
		s.to(s.ask(haruka, "POST", "/tickets/T-1", append(s.form(haruka, "/tickets/T-1"), "act", "close")...), "/tickets/T-1?done=close")
		again = s.ask(olga, "POST", "/operator/tickets/T-1", "form", second[1], "version", "2", "act", "answer", "text", "the second answer")
		s.is(again, 422, "The ticket went on", "the second answer", "closed the ticket")
		s.to(s.ask(olga, "POST", "/operator/tickets/T-1", append(s.form(olga, "/operator/tickets/T-1"), "act", "note", "text", "a note afterwards")...), "/operator/tickets/T-1?done=note")
		if body := s.ask(haruka, "GET", "/tickets/T-1").Body.String(); strings.Contains(body, "a note afterwards") {
			t.Error("a customer sees a note")
		}
		if body := s.ask(haruka, "GET", "/tickets?q=afterwards").Body.String(); strings.Contains(body, `/T-1"`) {
			t.Error("a customer finds a note")
		}
		// The other way round: an answer while the customer closes.
		s.opened(haruka)
		closing := append(s.form(haruka, "/tickets/T-2"), "act", "close")
		s.to(s.ask(mika, "POST", "/operator/tickets/T-2", append(s.form(mika, "/operator/tickets/T-2"), "act", "answer", "text", "just in time")...), "/operator/tickets/T-2?done=answer")
		s.is(s.ask(haruka, "POST", "/tickets/T-2", closing...), 422, "just in time", "Pending Closure")
		// Many presses of one button at the same time make one entry.
		form := append(s.form(haruka, "/tickets/T-2"), "act", "comment", "text", "pressed many times")
		done := make(chan int)
		for range 5 {
			go func() { done <- s.ask(haruka, "POST", "/tickets/T-2", form...).Code }()
		}
		for range 5 {
			if code := <-done; code != http.StatusSeeOther {
				t.Errorf("a press is answered with %d", code)
			}
		}
		if n := s.count("ticket_entry where text = 'pressed many times'"); n != 1 {
			t.Errorf("%d entries", n)
		}
		// And of "Create Ticket".
		for range 4 {
			go func() {
				done <- s.ask(haruka, "POST", "/tickets/new", append([]string{"form", strings.Repeat("c", 36)}, announced...)...).Code
			}()
		}
		for range 4 {
			if code := <-done; code != http.StatusSeeOther {
				t.Errorf("a press is answered with %d", code)
			}
		}
		if n := s.count("ticket"); n != 3 {
			t.Errorf("%d tickets of three", n)
		}
	})
}

func TestNothingTypedIsLostWhereSomethingIsWrong(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		haruka := s.person(s.org, "Haruka Sato", "en")
		for _, c := range []struct {
			field, value, says string
		}{
			{"category", "", "Choose a category"}, {"category", "portal'", "Choose a category"}, {"service", "people", "Choose a service of the category"},
			{"kind", "x", "Choose a kind"}, {"urgency", "x", "Choose how urgent"}, {"summary", "", "Enter a summary"}, {"summary", strings.Repeat("あ", 201), "longer than 200"},
			{"detail", "  \n ", "Enter the detail"}, {"detail", strings.Repeat("あ", 10_001), "longer than 10,000"},
			{"contacts", "nobody@elsewhere.example", "Nobody in the organization signs in with nobody@elsewhere.example"}, {"contacts", "no address", "is not a mail address"},
		} {
			fields := append(append([]string{}, announced...), "contacts", "", c.field, c.value)
			got := s.serve(haruka, upload("/tickets/new", single(fields)))
			s.is(got, 422, c.says)
			if c.field != "summary" {
				s.is(got, 422, `value="二段階認証の設定について"`)
			}
			if c.field != "detail" || len(c.value) > 10 {
				s.is(got, 422, map[bool]string{true: strings.TrimSpace(c.value), false: "認証アプリの設定ができません。"}[c.field == "detail"])
			}
		}
		if s.count("ticket")+s.count("audit")+s.count("mail") != 0 {
			t.Error("something was done")
		}
		s.is(s.ask(haruka, "GET", "/tickets/new?category=portal&service=business-portal&kind=trouble"), 200, `<option value="business-portal" selected>`)
		s.is(s.ask(haruka, "GET", "/tickets/new?lang=ja"), 200, "チケットを作成", "Business Portal")
		// An account cannot flood the desk.
		for range often.Burst {
			s.opened(haruka)
		}
		s.is(s.ask(haruka, "POST", "/tickets/new", announced...), 429)
	})
}

// single keeps of fields with one name the last, as a form has them.
func single(fields []string) (kept []string) {
	for i := 0; i < len(fields); i += 2 {
		if at := slices.Index(kept, fields[i]); at >= 0 && at%2 == 0 {
			kept[at+1] = fields[i+1]
			continue
		}
		kept = append(kept, fields[i], fields[i+1])
	}
	return kept
}
