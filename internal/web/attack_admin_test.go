package web

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"nidan/internal/account"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// Fields of the forms of Portal Admins and operators, each with something that is right.
var rightFields = url.Values{"name": {"Yui"}, "email": {"yui@cast.example"}, "phone": {"0312345678"}, "language": {"en"}, "authority": {"general_user"},
	"time_zone": {"UTC"}, "job_title": {"Buyer"}, "mobile": {"09012345678"}, "method": {"totp"}, "seen": {""}, "keep": {"yes"}, "answer": {"approve"},
	"reset": {"x"}, "ticket": {"T-1"}, "why": {"lost"}, "way": {"hand"}, "back": {"totp"}, "act": {""}, "ids": {""}, "code": {"12345678"},
	"network": {"203.0.113.0/24"}, "description": {"Office"}, "meant": {"self"}, "whose": {"admins"}, "on": {"on"}, "organization": {"Third"}, "title_en": {"A"},
	"title_ja": {"A"}, "text_en": {"A"}, "text_ja": {"A"}, "audience": {"all"}, "from": {"2018-03-11 12:00"}, "until": {""}, "zone": {"UTC"},
	"reason": {"x"}, "done": {"added"}, "q": {"y"}, "show": {"locked"}, "after": {"x"}, "before": {"x"}, "person": {"x"}, "days": {"7"}, "chain": {"Aozora"},
	"actor": {"a@b.example"}, "subject": {"x"}, "format": {"csv"}, "id": {"x"}}

// oddPlaces are the pages of Portal Admins and operators, by the patterns of the route map.
func (c *cast) oddPlaces(method string) (paths []string) {
	for _, rt := range portal(c.t, c.World, false).Routes() {
		path, ok := strings.CutPrefix(rt.Pattern, method+" ")
		if ok && (strings.HasPrefix(path, "/accounts") || strings.HasPrefix(path, "/networks") || strings.HasPrefix(path, "/history") ||
			strings.HasPrefix(path, "/notices") || strings.HasPrefix(path, "/operator") || strings.HasPrefix(path, "/profile/address")) {
			paths = append(paths, strings.NewReplacer("{$}", "", "{token}", "nobodys", "{seq}", "1").Replace(path))
		}
	}
	return paths
}

// Ids of people and organizations, and what else stands in braces, filled in.
func at(path, id, organization string) string {
	return strings.NewReplacer("{id}", id, "{account}", id, "{organization}", organization, "{chain}", organization).Replace(path)
}

// mixed is a form in which every eighth field holds something odd, another from form to form.
func mixed(k int) (form []string) {
	for i, name := range slices.Sorted(maps.Keys(rightFields)) {
		value := rightFields.Get(name)
		if i%8 == k%8 {
			value = odd[(i+k)%len(odd)]
		}
		form = append(form, name, value)
	}
	return form
}

func TestNoFormOfAPortalAdminOrOperatorMakesThePortalFail(t *testing.T) {
	t.Parallel() // it has a portal of its own, and takes long
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		c := openCast(t, w)
		asked := 0
		for i, a := range actors {
			if a.name != "admin, fresh code" && a.name != "operator, fresh code" {
				continue
			}
			look := func(method, path string, form []string) {
				_, token := c.actor(i)
				w := c.ask(token, method, path, form)
				if asked++; w.Code >= 500 && w.Code != http.StatusServiceUnavailable {
					t.Errorf("%s, %s %.80q %.200q: %d", a.name, method, path, form, w.Code)
				}
				if found := away.FindString(w.Body.String()); found != "" {
					t.Errorf("%s, %s %.80q leads away: %.100s", a.name, method, path, found)
				}
				if to := w.Header().Get("Location"); to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, `/\`)) {
					t.Errorf("%s, %s %.80q leads to %q", a.name, method, path, to)
				}
			}
			for n, path := range c.oddPlaces("POST") {
				var whom account.Ref
				c.in(func(ctx context.Context, tx *store.Tx) error { // what the last form has deleted is not looked for
					p, err := c.person(ctx, tx, c.own, account.GeneralUser, false)
					whom = p.Ref
					return err
				})
				for k := range 8 {
					look("POST", at(path, whom.ID, c.own), mixed(k+8*n))
				}
			}
			for n, path := range c.oddPlaces("GET") {
				query := url.Values{}
				for i, form := 0, mixed(n); i < len(form); i += 2 {
					query.Set(form[i], form[i+1][:min(len(form[i+1]), 300)])
				}
				look("GET", at(path, c.own, c.own)+"?"+query.Encode(), nil)
				for _, id := range []string{"%00", "%FF%FE", "%ED%A0%80", "%F0%9F%91%A9", strings.Repeat("a", 300)} {
					look("GET", at(path, id, c.own), nil)
					look("GET", at(path, c.own, id), nil)
				}
			}
		}
		if asked < 1000 {
			t.Errorf("only %d were asked", asked)
		}
	})
}
