package demo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/maintenance"
	"nidan/internal/operator"
	"nidan/internal/organization"
	"nidan/internal/pass"
	"nidan/internal/password"
	"nidan/internal/rollout"
	"nidan/internal/store"
)

// startOperator is the first operator, by the one-time link of a new portal.
func (s *story) startOperator(ctx context.Context) error {
	err := s.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		o, err := operator.Add(ctx, tx, operator.Operator{Email: operatorEmail, Name: operatorName,
			Language: s.operator.Language, Zone: s.operator.Zone}, "first link")
		if err != nil {
			return err
		}
		s.operator.Ref, s.operator.EmailKey = o.Ref(), account.Key(o.Email)
		_, guide, err := pass.Give(ctx, tx, o.Ref(), pass.Operator, pass.Given{By: "first link", Why: "first operator"})
		if err != nil {
			return err
		}
		s.operator.guide = guide.ID
		if err := password.Set(ctx, tx, o.Ref(), s.operator.hash, password.Changed); err != nil {
			return err
		}
		return audit.Record(ctx, tx, s.Keys, s.operator.entry("operator:password:set", o.Ref(), nil))
	})
	if err != nil {
		return err
	}
	return s.setUp(ctx, s.operator)
}

// ofOperators is what the demo's operators add in their own words.
var ofOperators = rollout.Message{
	English:  "Please use your own smartphone or the tablet of your department. If neither is at hand, speak to your Portal Admin before the end of the month.",
	Japanese: "ご自身のスマートフォン、または部署のタブレットをご利用ください。どちらもない場合は、今月中に所属組織のポータル管理者にご相談ください。",
}

// planRollout plans the period and the window that it begins with.
func (s *story) planRollout(ctx context.Context) error {
	return s.asOperator(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		s.plan, err = rollout.Save(ctx, tx, rollout.Plan{Opens: s.period.Opens, Ends: s.period.Ends, Reminders: rollout.Usual,
			Zone: s.Site.House.String(), Message: ofOperators}, s.operator.ID)
		if err != nil {
			return err
		}
		detail := span(s.plan.Opens, s.plan.Ends)
		if err := s.record(ctx, tx, "rollout:period:planned", s.plan.ID, detail); err != nil {
			return err
		}
		return s.planWindow(ctx, tx, s.period.Opens, openingLasts)
	})
}

// planUpgrade plans the window that lies ahead when the demo begins.
func (s *story) planUpgrade(ctx context.Context) error {
	return s.asOperator(ctx, func(ctx context.Context, tx *store.Tx) error {
		return s.planWindow(ctx, tx, s.period.Opens.Add(upgradeAfter), upgradeLasts)
	})
}

func (s *story) planWindow(ctx context.Context, tx *store.Tx, opens time.Time, lasts time.Duration) error {
	w, err := maintenance.Plan(ctx, tx, opens, opens.Add(lasts), s.operator.ID, s.operator.ID)
	if err != nil {
		return err
	}
	s.windows = append(s.windows, Window{Opens: w.Opens, Closes: w.Closes})
	return s.record(ctx, tx, "maintenance:window:planned", w.ID, span(w.Opens, w.Closes))
}

func span(from, to time.Time) map[string]string {
	return map[string]string{"from": from.Format(time.RFC3339), "to": to.Format(time.RFC3339)}
}

// record is an act of the operator on the portal itself.
func (s *story) record(ctx context.Context, tx *store.Tx, act, subject string, detail map[string]string) error {
	return audit.Record(ctx, tx, s.Keys, s.operator.entry(act, account.Ref{Organization: audit.Operators, ID: subject}, detail))
}

// asOperator does something with the operator signed in.
func (s *story) asOperator(ctx context.Context, do func(context.Context, *store.Tx) error) error {
	return s.as(ctx, s.operator, do)
}

// as does something with a fresh code of who does it.
func (s *story) as(ctx context.Context, who *person, do func(context.Context, *store.Tx) error) error {
	visit, err := s.signIn(ctx, who)
	if err != nil {
		return err
	}
	s.wait(2 * time.Minute)
	if err := s.write(ctx, do); err != nil {
		return err
	}
	return s.signOut(ctx, who, visit)
}

// bring makes an organization, and imports its people with the passwords of the
// old portal: one record for the batch, with its digest.
func (s *story) bring(ctx context.Context, c company) error {
	return s.asOperator(ctx, func(ctx context.Context, tx *store.Tx) error {
		o, err := organization.Add(ctx, tx, c.name)
		if err != nil {
			return err
		}
		batch, rows := sha256.New(), 0
		for _, p := range s.people {
			if p.company.domain != c.domain {
				continue
			}
			p.Organization = o.ID
			if p.joined > 0 {
				continue
			}
			if err := s.importOne(ctx, tx, p); err != nil {
				return err
			}
			batch.Write([]byte(p.EmailKey + "\n"))
			rows++
		}
		added := audit.Entry{Chain: o.ID, Act: "organization:name:added", Actor: s.operator.actor(), Subject: o.ID,
			Network: operatorNetwork, Detail: map[string]string{"name": c.name}}
		imported := audit.Entry{Chain: o.ID, Act: "organization:accounts:imported", Actor: s.operator.actor(), Subject: o.ID,
			Network: operatorNetwork, Detail: map[string]string{"rows": strconv.Itoa(rows), "digest": hex.EncodeToString(batch.Sum(nil))}}
		return audit.Record(ctx, tx, s.Keys, added, imported)
	})
}

func (s *story) importOne(ctx context.Context, tx *store.Tx, p *person) error {
	p.Imported = tx.Now()
	if err := s.add(ctx, tx, p, s.operator.ID); err != nil {
		return err
	}
	if p.state != Imported {
		return password.Set(ctx, tx, p.Ref, p.hash, password.Changed)
	}
	old, err := password.Seal(s.Keys, p.Ref, p.hash)
	if err != nil {
		return err
	}
	return password.Import(ctx, tx, old)
}

// add writes the account of a person.
func (s *story) add(ctx context.Context, tx *store.Tx, p *person, by string) (err error) {
	p.Account, err = account.Add(ctx, tx, s.Keys, p.Account, by)
	return err
}
