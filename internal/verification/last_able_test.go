package verification

import (
	"context"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/operator"
	"nidan/internal/password"
	"nidan/internal/phrase"
	"nidan/internal/store"
	"nidan/internal/totp"
)

func (b *bench) staff(names ...string) {
	b.t.Helper()
	for _, name := range names {
		b.write(func(ctx context.Context, tx *store.Tx) error {
			_, err := operator.Add(ctx, tx, operator.Operator{Email: name + "@portal.example", Name: name, Language: "ja", Zone: "Asia/Tokyo"}, "test")
			return err
		})
	}
}

// colleague is another Portal Admin, able.
func (b *bench) colleague() account.Ref {
	b.t.Helper()
	var ref account.Ref
	b.write(func(ctx context.Context, tx *store.Tx) error {
		a, err := account.Add(ctx, tx, b.Keys, account.Account{Ref: account.Ref{Organization: b.who.Organization}, Email: "jun@aozora.example",
			Name: "Jun", Phone: "1", Authority: account.PortalAdmin, Language: phrase.English, Zone: "UTC"}, "test")
		if err != nil {
			return err
		}
		ref = a.Ref
		return totp.Enroll(ctx, tx, b.Keys, a.Ref, totp.NewSecret(), 0, 0)
	})
	return ref
}

func (b *bench) told() int { return b.number(`select count(*) from mail where kind = 'last-able'`) }

func TestOperatorsAreToldWhenTheLastAblePortalAdminIsStopped(t *testing.T) {
	each(t, account.TOTP, func(t *testing.T, b *bench) {
		b.staff("olga", "omar")
		b.guess(Cap - 1)
		if b.told() != 0 {
			t.Error("told before the stop")
		}
		b.later(time.Hour)
		if o := b.try(b.attempt(b.session(), b.wrong())); !o.Ended {
			t.Fatalf("%+v", o)
		}
		if b.told() != 2 || b.number(`select count(*) from audit where act = 'account:second-step:stopped'`) != 1 {
			t.Errorf("%d letters to two operators", b.told())
		}
		b.later(time.Hour)
		b.try(b.attempt(b.session(), b.wrong())) // not looked at any more
		if b.told() != 2 {
			t.Error("told twice of one stop")
		}
		// After a reset of the password he is able, and a second stop is news again.
		b.write(func(ctx context.Context, tx *store.Tx) error {
			return password.Set(ctx, tx, b.who.Ref, "hash", password.Reset)
		})
		b.guess(Cap)
		if b.told() != 4 {
			t.Errorf("%d letters after the second stop", b.told())
		}
	})
}

func TestOperatorsAreNotToldWhileAnotherPortalAdminIsAble(t *testing.T) {
	each(t, account.TOTP, func(t *testing.T, b *bench) {
		b.staff("olga")
		other := b.colleague()
		b.guess(Cap)
		if b.told() != 0 {
			t.Error("told although another one is able")
		}
		b.write(func(ctx context.Context, tx *store.Tx) error {
			if err := account.Suspend(ctx, tx, other, "test"); err != nil {
				return err
			}
			return password.Set(ctx, tx, b.who.Ref, "hash", password.Reset)
		})
		b.guess(Cap)
		if b.told() != 1 {
			t.Errorf("%d letters when the last one is stopped", b.told())
		}
	})
}

func TestAGeneralUsersStopIsNotTheOperatorsConcern(t *testing.T) {
	each(t, account.TOTP, func(t *testing.T, b *bench) {
		b.staff("olga")
		b.write(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `update account set authority = 'general_user' where id = $1`, b.who.ID)
			return err
		})
		b.guess(Cap)
		if b.told() != 0 {
			t.Error("told of a General User")
		}
	})
}

func TestOperatorsAreToldWhenTheLastAblePortalAdminsSecondVerificationIsVoid(t *testing.T) {
	each(t, account.TOTP, func(t *testing.T, b *bench) {
		b.staff("olga")
		// All but one of the run, long enough ago that they stop nothing.
		b.write(func(ctx context.Context, tx *store.Tx) error {
			for i := range VoidRun - 1 {
				_, err := tx.Exec(ctx, `insert into second_step_failure (id, organization_id, holder_id, session_id, door, at) values ($1, $2, $3, '', 'signin', $4)`,
					"f"+time.Duration(i).String(), b.who.Organization, b.who.ID, store.Micros(tx.Now().Add(-CapSpan-time.Hour)))
				if err != nil {
					return err
				}
			}
			return nil
		})
		b.try(b.attempt(b.session(), b.wrong()))
		if b.told() != 1 || b.number(`select count(*) from second_step_state where void_at is not null`) != 1 {
			t.Errorf("%d letters", b.told())
		}
	})
}

// Of two who are stopped at the same instant, whoever comes second sees the first.
func TestTheLastAbleOneIsLostWhenNobodyIsLeft(t *testing.T) {
	for _, c := range []struct {
		about  string
		admins []account.Admin
		before Ledger
		want   bool
	}{
		{"the only one", []account.Admin{able("a", true, false)}, Ledger{}, true},
		{"one beside another able one", []account.Admin{able("a", true, false), able("b", false, false)}, Ledger{}, false},
		{"the second of two", []account.Admin{able("a", true, false), able("b", true, false)}, Ledger{}, true},
		{"void, and stopped now", []account.Admin{able("a", true, true)}, Ledger{Void: true}, false},
		{"somebody who is no Portal Admin", []account.Admin{able("b", true, false)}, Ledger{}, false},
	} {
		if got := lost(c.admins, "a", c.before); got != c.want {
			t.Errorf("%s: %t", c.about, got)
		}
	}
}

func able(id string, stopped, void bool) account.Admin {
	return account.Admin{Account: account.Account{Ref: account.Ref{Organization: "o", ID: id}, Authority: account.PortalAdmin}, Proved: true, Stopped: stopped, Void: void}
}
