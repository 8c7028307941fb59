package web

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nidan/internal/account"
	"nidan/internal/secret"
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
				if found := away(w.Body.String()); found != "" {
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

// ownID is the id that a form has from its start, for what it will make.
var ownID = regexp.MustCompile(`name="id" value="[0-9a-f-]{36}"`)

// An id of another organization is answered like one that never was, wherever it
// stands: in an address, in a form, in a query, and beside an organization that is not its.
func TestAForeignIDIsAnsweredLikeOneThatNeverWasOnEveryPage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		c := openCast(t, w)
		var foreign [3]string // a person, a network, a password that waits
		c.in(func(ctx context.Context, tx *store.Tx) error {
			p, err := c.person(ctx, tx, c.other, account.GeneralUser, false)
			if err != nil {
				return err
			}
			foreign[0] = p.ID
			if err := account.Permit(ctx, tx, c.other, netip.MustParsePrefix("203.0.113.0/24"), "Office"); err != nil {
				return err
			}
			if err := tx.QueryRow(ctx, `select id from network where organization_id = $1`, c.other).Scan(&foreign[1]); err != nil {
				return err
			}
			foreign[2] = secret.ID()
			_, err = tx.Exec(ctx, `insert into password_reset (id, digest, organization_id, holder_id, created_at, expires_at, used_at, aside, waits_until, needs_approval)
				values ($1, $2, $3, $4, 1, 2, 1, $5, $6, true)`, foreign[2], []byte(foreign[2]), c.other, p.ID, c.Keys.Seal(secret.ForReset, foreign[2], []byte("new")), 1<<60)
			return err
		})
		never := secret.ID()
		asked := 0
		for i, a := range actors {
			if a.name != "admin, fresh code" && a.name != "operator, fresh code" {
				continue
			}
			_, token := c.actor(i)
			answer := func(method, path, id string) string {
				form := []string{}
				if method == http.MethodPost {
					for _, name := range slices.Sorted(maps.Keys(rightFields)) {
						form = append(form, name, rightFields.Get(name))
					}
					form = append(form, "ids", id, "way-"+id, "mail", "check", "off", "reset", foreign[2])
				} else {
					path += "?id=" + id + "&person=" + id + "&after=" + id + "&check=on"
				}
				before := c.state()
				w := c.ask(token, method, at(path, id, c.own), form)
				if method == http.MethodPost && w.Code == http.StatusNotFound && c.state() != before {
					t.Errorf("%s %s: something was done", method, path)
				}
				asked++
				return fmt.Sprint(w.Code, w.Header().Get("Location"), ownID.ReplaceAllString(strings.ReplaceAll(w.Body.String(), id, "ID"), "a new one"))
			}
			for _, method := range []string{"GET", "POST"} {
				for _, path := range c.oddPlaces(method) {
					named := strings.Contains(path, "{id}") || strings.Contains(path, "{account}")
					if !named && method == http.MethodPost && path != "/accounts/passes" && path != "/networks/check" {
						continue // nothing that names anybody
					}
					if strings.HasPrefix(path, "/operator/audit") || path == "/operator/notices/new" {
						continue // the whole portal's, for operators; a form with an id of its own
					}
					want := answer(method, path, never)
					for _, id := range foreign {
						if got := answer(method, path, id); got != want {
							t.Errorf("%s, %s %s: %.200s\nand for one that never was: %.200s", a.name, method, path, got, want)
						}
					}
				}
			}
		}
		if asked < 300 {
			t.Errorf("only %d were asked", asked)
		}
	})
}
