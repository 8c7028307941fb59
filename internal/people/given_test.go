package people

import (
	"context"
	"strings"
	"testing"

	"nidan/internal/account"
	"nidan/internal/pass"
	"nidan/internal/phrase"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// Whoever gave a pass and no longer acts for the organization: its holder is told
// that it opens nothing, once, and it is recorded, with the deed.
func TestWhoseGiverNoLongerActsIsToldOnce(t *testing.T) {
	for _, deed := range []string{"suspend", "delete", "edit"} {
		t.Run(deed, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, w storetest.World) {
				s := open(t, w)
				olga, sven := s.visit(s.admin("Olga Admin")), s.admin("Sven Admin")
				yui, ken, late, hers := s.user("Yui User"), s.user("Ken User"), s.user("Late User"), s.user("Her User")
				ken.Language = phrase.Japanese
				s.in(func(ctx context.Context, tx *store.Tx) error { return account.Change(ctx, tx, ken) })
				his := s.visit(sven)
				for _, a := range []account.Account{yui, late} {
					s.to(s.ask(his, "POST", "/accounts/"+a.ID+"/pass", "way", "mail", "why", "x"), "/accounts/"+a.ID+"?done=mailed")
				}
				s.to(s.ask(his, "POST", "/accounts/"+ken.ID+"/guide"), "/accounts/"+ken.ID+"?done=guide")
				s.to(s.ask(olga, "POST", "/accounts/"+hers.ID+"/pass", "way", "mail", "why", "x"), "/accounts/"+hers.ID+"?done=mailed")
				s.in(func(ctx context.Context, tx *store.Tx) error { // ran out: nobody waits with it in hand
					_, err := tx.Exec(ctx, `update pass set expires_at = $1 where organization_id = $2 and holder_id = $3`, store.Micros(tx.Now()), s.org, late.ID)
					return err
				})
				form := []string{}
				if deed == "edit" {
					form = fill("name", sven.Name, "seen", s.opened(olga, sven))
				}
				for range 2 { // sent twice
					s.ask(olga, "POST", "/accounts/"+sven.ID+"/"+deed, form...)
				}
				if s.count("pass where withdrawn_at is null") != 1 {
					t.Error("not all that he gave was withdrawn, or more")
				}
				if s.count("mail where kind = 'pass-withdrawn'") != 2 ||
					s.count("audit where act = 'account:pass:withdrawn' and subject = '"+yui.ID+"' and detail like '%"+sven.ID+"%'") != 1 ||
					s.count("audit where act = 'account:guide:withdrawn' and subject = '"+ken.ID+"'") != 1 ||
					s.count("audit where act like 'account:%:withdrawn'") != 2 {
					t.Error("not one letter and one record each")
				}
				if m := s.mailed(yui); m.Subject != "Your pass on Business Portal was withdrawn" || !strings.Contains(m.Text, "because Sven Admin, who gave it") ||
					strings.Contains(m.Text, "http") {
					t.Errorf("%s\n%s", m.Subject, m.Text)
				}
				if m := s.mailed(ken); m.Subject != "Business Portal のスタートガイドが取り消されました" || !strings.Contains(m.Text, "発行した Sven Admin 様") {
					t.Errorf("%s\n%s", m.Subject, m.Text)
				}
				if open, err := pass.Open(t.Context(), s.DB, hers.Ref, w.Clock.Now()); err != nil || !open {
					t.Error("what somebody else gave is gone")
				}
			})
		})
	}
}
