package people

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/limit"
	"nidan/internal/password"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// fill is the form of a person, with some fields as given.
func fill(changes ...string) (fields []string) {
	form := map[string]string{"name": "Nao New", "email": "nao@new.example", "phone": "+81 3-1234-5678", "language": "en",
		"authority": "general_user", "time_zone": "Asia/Tokyo", "job_title": "Buyer", "mobile": "090 1234 5678", "method": "totp"}
	for i := 0; i+1 < len(changes); i += 2 {
		form[changes[i]] = changes[i+1]
	}
	for name, value := range form {
		fields = append(fields, name, value)
	}
	return fields
}

func TestAPersonIsAddedOnceWithAStartingGuide(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga := s.visit(s.admin("Olga Admin"))
		s.is(s.ask(olga, "GET", "/accounts/new"), http.StatusOK, "Add a person", "TOTP (a code from an authenticator app)", `value="Asia/Tokyo"`)
		answer := s.ask(olga, "POST", "/accounts/new", fill()...)
		s.is(answer, http.StatusSeeOther)
		at := answer.Header().Get("Location")
		s.is(s.ask(olga, "GET", at), http.StatusOK, "Nao New was added", "Buyer", "090 1234 5678", "81312345678", "Asia/Tokyo", "Starting guide")
		// Sent again, the form leads to the person it has added.
		s.to(s.ask(olga, "POST", "/accounts/new", fill()...), at)
		if s.count("account where email_key = 'nao@new.example' and method = 'totp' and preset = '' and network_check = false and imported_at is null") != 1 ||
			s.count("account") != 2 || s.count("audit where act = 'account:person:added'") != 1 || s.count("pass where kind = 'guide'") != 1 ||
			s.count("mail where kind = 'starting-guide'") != 1 || s.count("progress_event where what = 'came'") != 2 {
			t.Error("not added, or not once, or not as a whole")
		}
		// Later, or by somebody else, or with something else in it: the address is in use.
		second := s.visit(s.admin("Sven Admin"))
		s.is(s.ask(second, "POST", "/accounts/new", fill()...), http.StatusUnprocessableEntity, "in use already")
		s.is(s.ask(olga, "POST", "/accounts/new", fill("name", "Other")...), http.StatusUnprocessableEntity, "in use already", `value="Other"`)
		w.Clock.Set(w.Clock.Now().Add(11 * time.Minute))
		olga.Session.FreshCode = w.Clock.Now()
		s.is(s.ask(olga, "POST", "/accounts/new", fill()...), http.StatusUnprocessableEntity, "in use already")
	})
}

func TestOfTheSameFormSentAtOnceOneAddsAndTheOtherLeadsThere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga := s.visit(s.admin("Olga Admin"))
		var all sync.WaitGroup
		places := make([]string, 4)
		for i := range places {
			all.Go(func() { places[i] = s.ask(olga, "POST", "/accounts/new", fill()...).Header().Get("Location") })
		}
		all.Wait()
		for _, place := range places {
			if place == "" || place != places[0] {
				t.Errorf("%q", places)
			}
		}
		if s.count("account") != 2 || s.count("mail where kind = 'starting-guide'") != 1 {
			t.Error("added more than once")
		}
	})
}

// Whoever has an address, of whatever organization, is told of in the same words.
func TestAnAddressInUseAnywhereIsToldAndNothingMore(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	s := open(t, w)
	olga := s.visit(s.admin("Olga Admin"))
	own, foreign := s.user("Yui User"), s.add(s.other, "Bruno Brenn", account.PortalAdmin, account.TOTP)
	gone := s.user("Gone Away")
	s.in(func(ctx context.Context, tx *store.Tx) error { return account.Suspend(ctx, tx, gone.Ref, "test") })
	var bodies []string
	for _, a := range []account.Account{own, foreign, gone} {
		answer := s.ask(olga, "POST", "/accounts/new", fill("email", strings.ToUpper(a.Email))...)
		s.is(answer, http.StatusUnprocessableEntity, "This address is in use already")
		bodies = append(bodies, strings.ReplaceAll(answer.Body.String(), strings.ToUpper(a.Email), "X"))
	}
	if bodies[0] != bodies[1] || bodies[0] != bodies[2] {
		t.Error("the answers differ")
	}
	if s.count("account") != 4 {
		t.Error("somebody was added")
	}
}

func TestWhatIsWrongStandsBesideItsFieldAndNothingTypedIsLost(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	s := open(t, w)
	olga := s.visit(s.admin("Olga Admin"))
	for _, one := range []struct{ field, value, says string }{
		{"name", "", "Enter the name"}, {"name", "　 ", "Enter the name"}, {"name", strings.Repeat("a", 101), "100"},
		{"name", "Hana\u200bko", "characters"}, {"job_title", "Buyer\u00ad", "characters"},
		{"email", "", "Enter the email address"}, {"email", "a@b.example, c@d.example", "Enter one email address"}, {"email", "a\r\nBcc: x@y.example", "line"},
		{"phone", "", "Enter the phone number"}, {"phone", "12", "5 to 20 digits"}, {"mobile", "none", "5 to 20 digits"},
		{"language", "de", "Choose the language"}, {"authority", "operator", "Choose Portal Admin"}, {"authority", "", "Choose Portal Admin"},
		{"time_zone", "", "time zone"}, {"time_zone", "Mars/Olympus", "time zone"}, {"method", "", "Choose TOTP or MailOTP"}, {"method", "sms", "Choose TOTP or MailOTP"},
	} {
		answer := s.ask(olga, "POST", "/accounts/new", fill(one.field, one.value)...)
		s.is(answer, http.StatusUnprocessableEntity, one.says, `id="`+one.field+`-wrong"`, `value="Buyer`)
	}
	if s.count("account") != 1 || s.count("mail") != 0 || s.count("audit") != 0 {
		t.Error("something was done")
	}
}

func TestWhoBecomesWhatWithWhichMethodFollowsFromTheAuthority(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga := s.visit(s.admin("Olga Admin"))
		s.is(s.ask(olga, "POST", "/accounts/new", fill("email", "a@new.example", "authority", "portal_admin", "method", "mailotp")...), http.StatusSeeOther)
		s.is(s.ask(olga, "POST", "/accounts/new", fill("email", "b@new.example", "method", "mailotp")...), http.StatusSeeOther)
		// Fields that no form has are not looked at.
		s.is(s.ask(olga, "POST", "/accounts/new", fill("email", "c@new.example", "organization", s.other, "organization_id", s.other, "id", "x",
			"enrolled", "yes", "preset", "mailotp", "network_check", "true", "imported_at", "1", "suspended_at", "1", "verified", "1")...), http.StatusSeeOther)
		for _, row := range []string{
			"email_key = 'a@new.example' and authority = 'portal_admin' and method = 'totp' and preset = 'mailotp'",
			"email_key = 'b@new.example' and authority = 'general_user' and method = 'mailotp' and preset = ''",
			"email_key = 'c@new.example' and authority = 'general_user' and method = 'totp' and preset = '' and suspended_at is null and imported_at is null",
		} {
			if s.count("account where organization_id = '"+s.org+"' and "+row) != 1 {
				t.Errorf("nobody is: %s", row)
			}
		}
		if s.count("mailotp") != 0 || s.count("totp") != 1 {
			t.Error("somebody is enrolled")
		}
	})
}

var seenField = `name="seen" value="`

// opened is the state that an edit form carries.
func (s *scene) opened(v *session.Visit, a account.Account) string {
	_, rest, ok := strings.Cut(s.ask(v, "GET", "/accounts/"+a.ID+"/edit").Body.String(), seenField)
	if !ok {
		s.t.Fatal("the form carries no state")
	}
	state, _, _ := strings.Cut(rest, `"`)
	return state
}

func TestWhatIsEditedIsSavedToldAndRecordedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga, yui := s.visit(s.admin("Olga Admin")), s.user("Yui User")
		s.visit(yui)
		edit := "/accounts/" + yui.ID + "/edit"
		state := s.opened(olga, yui)
		form := fill("name", "Yui  Neu", "seen", state, "email", "stolen@evil.example", "method", "mailotp", "organization", s.other, "id", "x", "enabled", "no")
		s.to(s.ask(olga, "POST", edit, form...), "/accounts/"+yui.ID+"?done=edited")
		p, err := find(t.Context(), s.DB, yui.Ref, w.Clock.Now())
		if err != nil || p.Name != "Yui  Neu" || p.NameKey != "yuineu" || p.Email != yui.Email || p.Method != account.TOTP || p.Phone != "81312345678" ||
			p.JobTitle != "Buyer" || p.Organization != s.org {
			t.Errorf("%+v, %v", p, err)
		}
		if m := s.mailed(yui); !strings.Contains(m.Text, "- Phone number") || !strings.Contains(m.Text, "Olga Admin changed") || strings.Contains(m.Text, "- Language") {
			t.Errorf("%s", m.Text)
		}
		if names(s.ask(olga, "GET", "/accounts?q=yuineu").Body.String()) == nil {
			t.Error("not found under the new name")
		}
		s.to(s.ask(olga, "POST", edit, form...), "/accounts/"+yui.ID+"?done=unchanged")
		if s.count("audit where act = 'account:person:changed'") != 1 || s.count("mail where kind = 'person-edited'") != 1 || s.count("session where ended_at is null") != 2 {
			t.Error("not once, or sessions ended")
		}
		// A form that was opened before is not written over what was saved since.
		s.is(s.ask(olga, "POST", edit, fill("name", "Old View", "seen", state)...), http.StatusUnprocessableEntity, "Somebody else has changed", `value="Old View"`)
		s.is(s.ask(olga, "POST", edit, fill("time_zone", "Nowhere/At")...), http.StatusUnprocessableEntity, `value="Nowhere/At"`)
	})
}

func TestAnotherAuthorityEndsSessionsAndWhatWasGiven(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga, sven := s.visit(s.admin("Olga Admin")), s.add(s.org, "Sven Admin", account.PortalAdmin, account.MailOTP, account.MailOTP)
		yui := s.user("Yui User")
		his := s.visit(sven)
		s.to(s.ask(his, "POST", "/accounts/"+yui.ID+"/pass", "way", "mail", "why", "x"), "/accounts/"+yui.ID+"?done=mailed")
		edit := "/accounts/" + sven.ID + "/edit"
		s.is(s.ask(olga, "GET", edit), http.StatusOK, "Keep MailOTP")
		s.to(s.ask(olga, "POST", edit, fill("name", sven.Name, "seen", s.opened(olga, sven))...), "/accounts/"+sven.ID+"?done=edited")
		if s.methodOf(sven) != account.TOTP || s.count("session where ended_at is null") != 1 || s.count("pass where withdrawn_at is null") != 0 ||
			s.count("audit where act = 'account:authority:changed' and detail like '%\"method\":\"totp\"%'") != 1 || s.count("mailotp") != 1 {
			t.Error("not as a whole")
		}
		if m := s.mailed(sven); m.Subject != "You are a General User on Business Portal now" || !strings.Contains(m.Text, "TOTP now") {
			t.Errorf("%s\n%s", m.Subject, m.Text)
		}
		// And back, with MailOTP kept the next time.
		s.to(s.ask(olga, "POST", edit, fill("name", sven.Name, "authority", "portal_admin", "seen", s.opened(olga, sven))...), "/accounts/"+sven.ID+"?done=edited")
		s.in(func(ctx context.Context, tx *store.Tx) error {
			return account.Assign(ctx, tx, sven.Ref, account.MailOTP, "test")
		})
		s.to(s.ask(olga, "POST", edit, fill("name", sven.Name, "keep", "yes", "seen", s.opened(olga, sven))...), "/accounts/"+sven.ID+"?done=edited")
		if s.methodOf(sven) != account.MailOTP || s.count("audit where act = 'account:authority:changed'") != 3 || s.count("mail where kind like 'person-%'") != 3 {
			t.Error("MailOTP was not kept, or not recorded")
		}
	})
}

// A General User's new password counts when its day is over, whether or not it was
// typed yet; a Portal Admin's waits for a yes. Who becomes one keeps what counts.
func TestAPasswordThatCountsGoesOnCountingForWhoBecomesAPortalAdmin(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga := s.visit(s.admin("Olga Admin"))
		hash := func(a account.Account) string {
			_, kept, _, err := password.Lookup(t.Context(), s.DB, s.Keys, a.EmailKey, s.Clock.Now(), [4]limit.Key{})
			must(t, err)
			return kept.Hash
		}
		set := func(name string) account.Account {
			a := s.user(name)
			s.in(func(ctx context.Context, tx *store.Tx) error {
				if err := password.Set(ctx, tx, a.Ref, "old", password.Changed); err != nil {
					return err
				}
				id := secret.ID()
				_, err := tx.Exec(ctx, `insert into password_reset (id, digest, organization_id, holder_id, created_at, expires_at, used_at, aside, waits_until, needs_approval)
					values ($1, $2, $3, $4, 1, 2, 1, $5, $6, false)`, id, []byte(id), a.Organization, a.ID,
					s.Keys.Seal(secret.ForReset, id, []byte("new")), store.Micros(tx.Now().Add(24*time.Hour)))
				return err
			})
			return a
		}
		counts, waits := set("Yui User"), set("Ken User")
		promote := func(a account.Account) {
			s.to(s.ask(olga, "POST", "/accounts/"+a.ID+"/edit", fill("name", a.Name, "authority", "portal_admin", "seen", s.opened(olga, a))...), "/accounts/"+a.ID+"?done=edited")
		}
		s.Clock.Set(s.Clock.Now().Add(24*time.Hour - time.Microsecond))
		olga.FreshCode = s.Clock.Now()
		promote(waits)
		s.Clock.Set(s.Clock.Now().Add(time.Microsecond))
		if hash(counts) != "new" || hash(waits) != "old" {
			t.Fatalf("%s, %s", hash(counts), hash(waits))
		}
		promote(counts)
		if hash(counts) != "new" || hash(waits) != "old" {
			t.Errorf("%s, %s", hash(counts), hash(waits))
		}
	})
}

func TestWhoChangesTheOwnAuthorityIsSignedOut(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	s := open(t, w)
	olga := s.admin("Olga Admin")
	v := s.visit(olga)
	form := fill("name", olga.Name, "seen", s.opened(v, olga))
	s.is(s.ask(v, "POST", "/accounts/"+olga.ID+"/edit", form...), http.StatusForbidden, "last Portal Admin")
	s.admin("Sven Admin")
	s.to(s.ask(v, "POST", "/accounts/"+olga.ID+"/edit", form...), "/signin")
	if s.count("account where authority = 'portal_admin'") != 1 || s.count("session where ended_at is null") != 0 {
		t.Error("not done as a whole")
	}
}

func TestARequestForMailOTPIsGrantedOrDeclinedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga := s.visit(s.admin("Olga Admin"))
		yes, no, admin := s.user("Yes Please"), s.user("No Thanks"), s.add(s.org, "Ada Admin", account.PortalAdmin, account.TOTP)
		s.in(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `update account set preset = 'mailotp' where id in ($1, $2, $3)`, yes.ID, no.ID, admin.ID)
			return err
		})
		if got := names(s.ask(olga, "GET", "/accounts?show=asks").Body.String()); len(got) != 2 {
			t.Errorf("%q wait", got)
		}
		at := func(a account.Account) string { return "/accounts/" + a.ID + "/request" }
		s.is(s.ask(olga, "GET", "/accounts/"+yes.ID), http.StatusOK, "Decide")
		s.is(s.ask(olga, "GET", at(yes)), http.StatusOK, "Grant: MailOTP", "Decline")
		s.is(s.ask(olga, "POST", at(yes)), http.StatusUnprocessableEntity, "Choose one of the two")
		s.to(s.ask(olga, "POST", at(yes), "answer", "grant"), "/accounts/"+yes.ID+"?done=mailotp")
		s.to(s.ask(olga, "POST", at(no), "answer", "decline"), "/accounts/"+no.ID+"?done=declined")
		for _, a := range []account.Account{yes, no, admin} { // decided, or nothing to decide
			s.to(s.ask(olga, "POST", at(a), "answer", "grant"), "/accounts/"+a.ID)
		}
		if s.methodOf(yes) != account.MailOTP || s.methodOf(no) != account.TOTP || s.count("account where preset <> ''") != 1 ||
			s.count("audit where act = 'account:method:changed'") != 1 || s.count("audit where act = 'account:mailotp:declined'") != 1 || s.count("mail") != 2 {
			t.Error("not decided once each")
		}
		if got := names(s.ask(olga, "GET", "/accounts?show=asks").Body.String()); got != nil {
			t.Errorf("%q still wait", got)
		}
	})
}
