package demo

import (
	"context"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/mail"
	"nidan/internal/pass"
	"nidan/internal/rollout"
	"nidan/internal/session"
	"nidan/internal/store"
)

// extendedBy is how far beyond the rollout's end the demo's extension reaches.
const extendedBy = 21 * day

// grant is a Portal Admin who changes a General User to MailOTP.
func (s *story) grant(ctx context.Context, admin, p *person) error {
	return s.as(ctx, admin, func(ctx context.Context, tx *store.Tx) error {
		if err := account.Assign(ctx, tx, p.Ref, account.MailOTP, admin.ID); err != nil {
			return err
		}
		if _, err := session.EndAll(ctx, tx, p.Ref, "", "method changed"); err != nil {
			return err
		}
		detail := map[string]string{"from": string(p.Method), "to": string(account.MailOTP)}
		if err := audit.Record(ctx, tx, s.Keys, admin.entry("account:method:changed", p.Ref, detail)); err != nil {
			return err
		}
		p.Method = account.MailOTP
		return s.letter(ctx, tx, p, "method-changed", "demo.granted", "who", admin.Name)
	})
}

// suspend is a Portal Admin who closes an account.
func (s *story) suspend(ctx context.Context, admin, p *person) error {
	return s.as(ctx, admin, func(ctx context.Context, tx *store.Tx) error {
		if err := account.Suspend(ctx, tx, p.Ref, admin.ID); err != nil {
			return err
		}
		if _, err := session.EndAll(ctx, tx, p.Ref, "", "suspended"); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, s.Keys, admin.entry("account:person:suspended", p.Ref, nil)); err != nil {
			return err
		}
		return s.letter(ctx, tx, p, "suspended", "demo.suspended", "who", admin.Name)
	})
}

// invite is a Portal Admin who adds somebody: an account without a password, and
// the link of its starting guide.
func (s *story) invite(ctx context.Context, admin, p *person) error {
	return s.as(ctx, admin, func(ctx context.Context, tx *store.Tx) error {
		if err := s.add(ctx, tx, p, admin.ID); err != nil {
			return err
		}
		token, guide, err := pass.Give(ctx, tx, p.Ref, pass.Guide, pass.Given{By: admin.ID, Why: "new account"})
		if err != nil {
			return err
		}
		p.guide = guide.ID
		err = audit.Record(ctx, tx, s.Keys, admin.entry("account:person:added", p.Ref, nil), admin.entry("account:guide:given", p.Ref, nil))
		if err != nil {
			return err
		}
		desk := pass.Desk{Keys: s.Keys, Site: s.Site, BaseURL: strings.TrimSuffix(s.URL, "/")}
		return mail.Queue(ctx, tx, s.Keys, desk.GuideLetter(p.Account, token, guide, pass.ByAdmin, admin.Name))
	})
}

// extend is the operator who gives somebody more time, against a ticket.
func (s *story) extend(ctx context.Context, p *person) error {
	until := s.period.Ends.Add(extendedBy)
	return s.asOperator(ctx, func(ctx context.Context, tx *store.Tx) error {
		const reason = "on an assignment abroad, without the phone"
		if err := rollout.Extend(ctx, tx, s.plan.ID, p.Ref, until, reason, s.operator.ID); err != nil {
			return err
		}
		detail := map[string]string{"until": until.Format(time.RFC3339), "rollout": s.plan.ID, "reason": reason}
		if err := audit.Record(ctx, tx, s.Keys, s.operator.entry("rollout:extension:given", p.Ref, detail)); err != nil {
			return err
		}
		say := s.Site.Speaker(p.Language, p.Location())
		return s.letter(ctx, tx, p, "extension", "demo.extended", "until", say.End(until))
	})
}
