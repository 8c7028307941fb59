package story

import (
	"context"

	"nidan/internal/account"
	"nidan/internal/pass"
	"nidan/internal/session"
	"nidan/internal/store"
)

// guide: guide EMAIL BY: a starting guide, given by a Portal Admin or an operator.
func guide(s *stage, args []string) error {
	by := &session.Visit{Person: s.accounts[args[1]]}
	if o, ok := s.ops[args[1]]; ok {
		by.Person = account.Account{Ref: o.Ref(), Name: o.Name}
	}
	by.Session.Ref, by.Session.ID = by.Person.Ref, "story"
	desk := &pass.Desk{Keys: s.keys, Site: s.portal.Site, BaseURL: s.server.URL}
	err := s.write(func(ctx context.Context, tx *store.Tx) error {
		_, err := desk.Guide(ctx, tx, by, s.accounts[args[0]])
		return err
	})
	if err != nil {
		return err
	}
	return s.portal.Post.Drain(context.Background())
}
