package network

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store/storetest"
)

func TestANetworkIsAddedDescribedAndRemovedAndThePortalAdminsAreTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga := s.visit(s.admin("Olga Admin"), "203.0.113.9")
		s.admin("Kei Admin")
		s.add(s.org, "Yui User", account.GeneralUser)
		s.is(s.ask(olga, "GET", "/networks"), http.StatusOK, "No network is permitted yet", "You are at 203.0.113.9 now")
		s.is(s.ask(olga, "POST", "/networks/new", "network", "office", "description", ""), http.StatusUnprocessableEntity,
			`value="office"`, "This is no network", "Enter what this network is")
		s.holds(0, 0, 0, 0)
		s.to(s.ask(olga, "POST", "/networks/new", "network", "203.0.113.9/24", "description", "Head office"),
			"/networks?done=added&network=203.0.113.0%2F24&masked=1")
		s.is(s.ask(olga, "GET", "/networks?done=added&network=203.0.113.0%2F24&masked=1"), http.StatusOK,
			"Added: 203.0.113.0/24", "names a single machine", "That is in one of these networks", "Head office")
		s.holds(1, 0, 1, 2)
		s.is(s.ask(olga, "POST", "/networks/new", "network", "203.0.113.200/24", "description", "x"), http.StatusUnprocessableEntity, "203.0.113.0/24 is there already")
		s.to(s.ask(olga, "POST", "/networks/new", "network", "203.0.113.7", "description", "Gate"),
			"/networks?done=added&network=203.0.113.7%2F32&beside=203.0.113.0%2F24")
		s.is(s.ask(olga, "GET", "/networks?done=added&network=203.0.113.7%2F32&beside=203.0.113.0%2F24"), http.StatusOK, "It overlaps 203.0.113.0/24")
		s.holds(2, 0, 2, 4)
		ids := s.permit(s.org)
		s.is(s.ask(olga, "GET", "/networks/"+ids[1]), http.StatusOK, `value="Gate"`)
		s.is(s.ask(olga, "POST", "/networks/"+ids[1], "description", strings.Repeat("あ", 101)), http.StatusUnprocessableEntity, "longer than 100")
		s.to(s.ask(olga, "POST", "/networks/"+ids[1], "description", "Gate"), "/networks?done=same")
		s.to(s.ask(olga, "POST", "/networks/"+ids[1], "description", "West gate"), "/networks?done=described")
		s.holds(2, 0, 3, 6)
		s.is(s.ask(olga, "GET", "/networks/"+ids[1]+"/remove"), http.StatusOK, "Remove 203.0.113.7/32 (West gate)?", "Remove the network")
		s.to(s.ask(olga, "POST", "/networks/"+ids[1]+"/remove"), "/networks?done=removed")
		s.is(s.ask(olga, "POST", "/networks/"+ids[1]+"/remove"), http.StatusNotFound)
		s.holds(1, 0, 4, 8)
		must(t, s.post.Drain(t.Context()))
		last := s.mails[len(s.mails)-1]
		for _, part := range []string{"Olga Admin removed a permitted network", "203.0.113.7/32 (West gate)"} {
			if !strings.Contains(last.Text, part) {
				t.Errorf("%q is not in\n%s", part, last.Text)
			}
		}
	})
}

func TestThereAreAtMostAHundredNetworks(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	s := open(t, w)
	olga := s.visit(s.admin("Olga Admin"), "203.0.113.9")
	var many []string
	for i := range Most {
		many = append(many, fmt.Sprintf("10.0.%d.0/24", i))
	}
	s.permit(s.org, many...)
	s.permit(s.other, "10.9.0.0/16")
	s.is(s.ask(olga, "POST", "/networks/new", "network", "10.1.0.0/16", "description", "x"), http.StatusUnprocessableEntity, "There are 100 networks already")
	s.is(s.ask(olga, "GET", "/networks"), http.StatusOK, "no more can be permitted")
	s.holds(Most+1, 0, 0, 0)
}

// The warning: told with the address, and saved by the second press alone.
func TestWhoWouldShutHimselfOutIsToldAndPressesTwice(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga := s.admin("Olga Admin")
		kei := s.admin("Kei Admin")
		v := s.visit(olga, "203.0.113.9")
		s.visit(kei, "198.51.100.7")
		ids := s.permit(s.org, "198.51.100.0/24", "203.0.113.0/24")
		s.to(s.ask(v, "POST", "/networks/check", "ids", olga.ID+","+kei.ID, "check", "on"), "/networks/accounts?done=on")
		s.holds(2, 2, 2, 2)
		place := "/networks/" + ids[1] + "/remove"
		s.is(s.ask(v, "GET", place), http.StatusOK, "You: you are at 203.0.113.9 now")
		for _, meant := range []string{"", "yes", "leaders", "self-leaders"} {
			a := s.ask(v, "POST", place, "meant", meant)
			s.is(a, http.StatusOK, "You: you are at 203.0.113.9 now", `name="meant" value="self"`, "Save it all the same", "Nothing has been saved yet")
			if strings.Contains(a.Body.String(), "Every Portal Admin") {
				t.Error("Kei Admin was seen in a network that stays")
			}
		}
		s.holds(2, 2, 2, 2)
		s.to(s.ask(v, "POST", place, "meant", "self"), "/networks?done=removed")
		s.holds(1, 2, 3, 4)
		// the last one: nobody could get in from anywhere
		s.is(s.ask(v, "POST", "/networks/"+ids[0]+"/remove", "meant", "self"), http.StatusOK, "Every Portal Admin", `value="self-leaders"`)
		s.holds(1, 2, 3, 4)
	})
}

func TestSwitchingACheckOnIsWarnedOfAndSwitchingOffIsNot(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga, kei := s.admin("Olga Admin"), s.admin("Kei Admin")
		yui := s.add(s.org, "Yui User", account.GeneralUser)
		v := s.visit(olga, "203.0.113.9")
		s.visit(kei, "198.51.100.7")
		s.permit(s.org, "192.0.2.0/24")
		// a General User: he may be shut out, and that is what the check is for
		s.to(s.ask(v, "POST", "/networks/check", "ids", yui.ID, "check", "on"), "/networks/accounts?done=on")
		s.is(s.ask(v, "POST", "/networks/check", "ids", kei.ID, "check", "on"), http.StatusOK, "Every Portal Admin", `value="leaders"`)
		s.is(s.ask(v, "GET", "/networks/check?check=on&id="+olga.ID), http.StatusOK, "You: you are at 203.0.113.9 now", `value="self-leaders"`)
		s.holds(1, 1, 1, 1)
		s.to(s.ask(v, "POST", "/networks/check", "ids", kei.ID+","+olga.ID, "check", "on", "meant", "self-leaders"), "/networks/accounts?done=on")
		s.holds(1, 3, 3, 3)
		if s.count("audit where act = 'account:network-check:on' and detail like '%self-leaders%'") != 2 {
			t.Error("the record does not say that it was meant")
		}
		s.to(s.ask(v, "POST", "/networks/check", "ids", kei.ID+","+olga.ID, "check", "on", "meant", "self-leaders"), "/networks/accounts?done=same")
		s.holds(1, 3, 3, 3)
		s.to(s.ask(v, "POST", "/networks/check", "ids", olga.ID, "check", "off"), "/networks/accounts?done=off")
		s.holds(1, 2, 4, 4)
		s.to(s.ask(v, "POST", "/networks/check", "ids", olga.ID, "check", "sideways"), "/networks/accounts")
		s.holds(1, 2, 4, 4)
	})
}

var rows = regexp.MustCompile(`name="id" value="([^"]+)"`)

func TestTheListOfChecksIsSearchedFilteredAndPaged(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga := s.admin("Olga Admin")
		v := s.visit(olga, "203.0.113.9")
		yamada := s.add(s.org, "山田 太郎", account.GeneralUser)
		s.add(s.other, "Bruno Brenn", account.PortalAdmin)
		for i := range 2 * perPage {
			s.add(s.org, fmt.Sprintf("Nr %d", i), account.GeneralUser)
		}
		s.check(yamada)
		for query, want := range map[string]int{"": perPage, "?show=on": 1, "?q=山田太郎": 1, "?q=olga+admin": 1, "?q=%25": 0, "?q=bruno": 0, "?show=off&q=yamada": 0, "?after=x%00": perPage} {
			if got := len(rows.FindAllString(s.ask(v, "GET", "/networks/accounts"+query).Body.String(), -1)); got != want {
				t.Errorf("%q: %d, wanted %d", query, got, want)
			}
		}
		seen, next, pages := map[string]bool{}, "/networks/accounts?show=off", 0
		for ; next != "" && pages < 9; pages++ {
			body := s.ask(v, "GET", next).Body.String()
			for _, found := range rows.FindAllStringSubmatch(body, -1) {
				seen[found[1]] = true
			}
			found := regexp.MustCompile(`href="([^"]+)" rel="next"`).FindStringSubmatch(body)
			if next = ""; found != nil {
				next = found[1]
			}
		}
		if len(seen) != 2*perPage+1 || pages != 3 {
			t.Errorf("%d accounts on %d pages", len(seen), pages)
		}
	})
}

// Whatever is of another organization is like what never was, and nothing is done.
func TestAnotherOrganizationsNetworksAndAccountsAreLikeNone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		v := s.visit(s.admin("Olga Admin"), "203.0.113.9")
		theirs := s.permit(s.other, "198.51.100.0/24")[0]
		bruno := s.add(s.other, "Bruno Brenn", account.GeneralUser)
		strip := regexp.MustCompile(`/(networks|operator)/[^"?]*|(id=|value=")[^&"]*`)
		for _, c := range [][]string{
			{"GET", "/networks/ID"}, {"POST", "/networks/ID", "description", "x"}, {"GET", "/networks/ID/remove"}, {"POST", "/networks/ID/remove"},
			{"GET", "/networks/check?check=on&id=ACC"}, {"POST", "/networks/check", "ids", "ACC", "check", "on"},
		} {
			var answers []string
			for _, ids := range [][]string{{theirs, bruno.ID}, {secret.ID(), secret.ID()}, {"nobody", "nobody"}, {"%00", "\x00"}} {
				put := func(text string) string {
					return strings.NewReplacer("ID", ids[0], "ACC", strings.ReplaceAll(ids[1], "\x00", "%00")).Replace(text)
				}
				fields := append([]string{}, c[2:]...)
				for i := range fields {
					if fields[i] == "ACC" {
						fields[i] = strings.ReplaceAll(ids[1], "\x00", "")
					}
				}
				a := s.ask(v, c[0], put(c[1]), fields...)
				answers = append(answers, fmt.Sprint(a.Code, strip.ReplaceAllString(a.Body.String(), "")))
				if a.Code != http.StatusNotFound {
					t.Errorf("%v of %q: %d", c, ids, a.Code)
				}
			}
			for _, one := range answers {
				if one != answers[0] {
					t.Errorf("%v: not alike:\n%s\n%s", c, one, answers[0])
				}
			}
		}
		s.holds(1, 0, 0, 0)
		body := s.ask(v, "GET", "/networks").Body.String()
		if strings.Contains(body, "198.51.100.0") {
			t.Error("another organization's network is shown")
		}
		// a list with somebody else's among it: only the own ones are concerned
		yui := s.add(s.org, "Yui User", account.GeneralUser)
		s.to(s.ask(v, "POST", "/networks/check", "ids", bruno.ID+","+yui.ID, "check", "on"), "/networks/accounts?done=on")
		s.holds(1, 1, 1, 1)
	})
}

func TestTheTableOfActsIsAskedInTheDecidingTransaction(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	s := open(t, w)
	olga := s.admin("Olga Admin")
	id := s.permit(s.org, "203.0.113.0/24")[0]
	yui := s.add(s.org, "Yui User", account.GeneralUser)
	stale := s.visit(olga, "203.0.113.9")
	stale.FreshCode = stale.FreshCode.Add(-time.Hour)
	user := s.visit(yui, "203.0.113.9")
	operator := s.staff()
	for name, v := range map[string]*session.Visit{"a stale code": stale, "a General User": user, "an operator": operator} {
		if got := s.ask(v, "POST", "/networks/new", "network", "10.0.0.1", "description", "x"); got.Code != http.StatusForbidden {
			t.Errorf("%s: %d", name, got.Code)
		}
	}
	s.is(s.ask(stale, "POST", "/networks/check", "ids", yui.ID, "check", "on"), http.StatusForbidden)
	s.is(s.ask(user, "POST", "/networks/check", "ids", yui.ID, "check", "on"), http.StatusForbidden)
	s.is(s.ask(operator, "POST", "/networks/check", "ids", yui.ID, "check", "on"), http.StatusNotFound)
	s.is(s.ask(user, "POST", "/networks/"+id+"/remove"), http.StatusForbidden)
	s.is(s.ask(stale, "POST", "/operator/networks/"+s.org, "whose", "all", "ticket", "T-1"), http.StatusForbidden)
	s.holds(1, 0, 0, 0)
}

func TestAnOperatorOpensTheWayWhereNoPortalAdminGetsIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga, kei := s.admin("Olga Admin"), s.admin("Kei Admin")
		yui := s.add(s.org, "Yui User", account.GeneralUser)
		s.visit(kei, "198.51.100.7")
		s.permit(s.org, "198.51.100.0/24")
		mika := s.staff()
		s.is(s.ask(mika, "GET", "/operator/networks"), http.StatusOK, "network is checked so far")
		s.check(olga, yui)
		place := "/operator/networks/" + s.org
		s.is(s.ask(mika, "GET", "/operator/networks?q=AOZORA"), http.StatusOK, place)
		// Kei Admin's network is not checked: it is his to do
		s.is(s.ask(mika, "GET", place), http.StatusOK, "Kei Admin", "switch the check off for the others themselves")
		s.is(s.ask(mika, "POST", place, "whose", "all", "ticket", "T-7"), http.StatusForbidden)
		s.check(kei)
		s.is(s.ask(mika, "GET", place), http.StatusOK, "Ask first whether they can still get in", "Kei Admin")
		s.is(s.ask(mika, "POST", place, "whose", "everybody", "ticket", "<T>"), http.StatusUnprocessableEntity, "Choose one of the two", "A ticket's name", `value="<T>"`)
		s.holds(1, 3, 0, 0)
		s.to(s.ask(mika, "POST", place, "whose", "admins", "ticket", "T-7"), place+"?done=opened")
		s.holds(1, 1, 1, 2)
		s.is(s.ask(mika, "GET", place+"?done=opened"), http.StatusOK, "The check was switched off")
		must(t, s.post.Drain(t.Context()))
		if to := s.mails[0].To + " " + s.mails[1].To; !strings.Contains(to, olga.Email) || !strings.Contains(to, kei.Email) || !strings.Contains(s.mails[0].Text, "ticket T-7") {
			t.Errorf("told: %s\n%s", to, s.mails[0].Text)
		}
		if s.count(`audit where chain = $1 and act = 'organization:network-check:opened' and actor_kind = 'operator' and detail like '%"ticket":"T-7"%'`, s.org) != 1 {
			t.Error("it is not in the organization's record")
		}
		for _, id := range []string{secret.ID(), "nobody", "%00"} {
			s.is(s.ask(mika, "GET", "/operator/networks/"+id), http.StatusNotFound)
			s.is(s.ask(mika, "POST", "/operator/networks/"+id, "whose", "all", "ticket", "T-7"), http.StatusNotFound)
		}
	})
}
