package ticket

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func TestAButtonThatIsPressedTwiceMakesOneTemplate(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		mika := s.staff("Mika")
		id := func(body string) []string {
			form := body[strings.LastIndex(body, "New template"):]
			return []string{"id", regexp.MustCompile(`name="id" value="([^"]+)"`).FindStringSubmatch(form)[1]}
		}
		first := id(s.ask(mika, "GET", "/operator/tickets/templates").Body.String())
		wrong := s.ask(mika, "POST", "/operator/tickets/templates", append(first, "title", "Clock", "text_en", "Set the clock", "text_ja", "")...)
		s.is(wrong, 422, "New template")
		if again := id(wrong.Body.String()); again[1] != first[1] {
			t.Errorf("the form shown again has the id %s, not %s", again[1], first[1])
		}
		for range 2 {
			s.to(s.ask(mika, "POST", "/operator/tickets/templates", append(first, "title", "Clock", "text_en", "Set the clock", "text_ja", "時刻")...), "/operator/tickets/templates?done=saved")
		}
		if s.count("answer_template") != 1 || s.count("audit where act = 'help:template:saved'") != 1 {
			t.Errorf("%d templates, %d records", s.count("answer_template"), s.count("audit where act = 'help:template:saved'"))
		}
		if next := id(s.ask(mika, "GET", "/operator/tickets/templates").Body.String()); next[1] == first[1] {
			t.Error("the next form would change the first template")
		}
		s.is(s.ask(mika, "GET", "/operator/tickets/templates?id="+first[1]), 200, "Change the template", "Set the clock")
	})
}

func TestNoMoreContactsThanAnnouncedInHoweverManyPosts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		haruka := s.person(s.org, "Haruka Sato", "en")
		s.opened(haruka)
		var people []string
		for i := range MostTold + 1 {
			people = append(people, s.person(s.org, fmt.Sprintf("P%d X", i), "en").Person.Email)
		}
		tell := func(people ...string) []string {
			return []string{"act", "tell", "contact", strings.Join(people, " ")}
		}
		beside := `id="contact-wrong"`
		s.is(s.ask(haruka, "POST", "/tickets/T-1", tell("no-address")...), 422, "is not a mail address", beside)
		s.is(s.ask(haruka, "POST", "/tickets/T-1", tell(people...)...), 422, "At most 10 people", beside)
		s.to(s.ask(haruka, "POST", "/tickets/T-1", tell(people[:MostTold-1]...)...), "/tickets/T-1?done=tell")
		s.is(s.ask(haruka, "POST", "/tickets/T-1", tell(people[MostTold-1:]...)...), 422, "At most 10 people", beside)
		if n := s.count("ticket_reader where contact"); n != MostTold-1 {
			t.Errorf("%d contacts after a refusal", n)
		}
		// Who is told already, or wrote it, is not one more.
		s.to(s.ask(haruka, "POST", "/tickets/T-1", tell(haruka.Person.Email, people[0], people[MostTold])...), "/tickets/T-1?done=tell")
		s.to(s.ask(haruka, "POST", "/tickets/T-1", tell(people[0])...), "/tickets/T-1?done=tell")
		if n := s.count("ticket_reader where contact"); n != MostTold {
			t.Errorf("%d contacts", n)
		}
	})
}

// An operator gets from a ticket to the record of the pass that was given against it.
func TestATicketLeadsToThePassGivenAgainstIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		haruka, mika := s.person(s.org, "Haruka Sato", "en"), s.staff("Mika")
		s.opened(haruka)
		link := `<a href="/operator/audit?subject=` + haruka.Ref.ID + `&act=account:pass">A pass was given against this ticket`
		if strings.Contains(s.ask(mika, "GET", "/operator/tickets/T-1").Body.String(), link) {
			t.Error("there is no pass yet")
		}
		s.in(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `insert into pass (id, organization_id, holder_id, kind, digest, tries, given_by, why, ticket, created_at, expires_at)
				values ('p', $1, $2, 'operator', $3, 0, $4, 'lost', 'T-1', $5, $6)`, s.org, haruka.Ref.ID, []byte{1}, mika.Ref.ID, store.Micros(tx.Now()), store.Micros(tx.Now()))
			return err
		})
		s.is(s.ask(mika, "GET", "/operator/tickets/T-1"), 200, link, "/operator/audit?subject=T-1", "/operator/audit?subject="+haruka.Ref.ID+`"`)
		if strings.Contains(s.ask(haruka, "GET", "/tickets/T-1").Body.String(), "/operator/audit") {
			t.Error("a customer is led to the desk's record")
		}
	})
}
