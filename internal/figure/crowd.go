package figure

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"nidan/internal/operator"
	"nidan/internal/password"
	"nidan/internal/rollout"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/totp"
)

// crowdSQL fills a world with a crowd: statements for once, for each part of it,
// and for last.
//
//go:embed crowd.sql
var crowdSQL string

// Crowd is how many people a world is filled with.
type Crowd struct {
	Accounts, Organizations, Open int // Open: of the accounts, those not enrolled
}

// crowdOf is the crowd of so many accounts: one organization for each 200, each
// tenth of them not enrolled.
func crowdOf(accounts int) Crowd {
	accounts = max(accounts-accounts%200, 2000)
	return Crowd{Accounts: accounts, Organizations: accounts / 200, Open: accounts / 10}
}

// since is how long the crowd's rollout has been open.
const since = 14 * 24 * time.Hour

// fill writes a crowd, an operator who can sign in, and a rollout of the whole
// portal that opened two weeks ago and ends in 38 days.
func (w *world) fill(ctx context.Context, keys *secret.Keys, c Crowd, told func(people int)) (staff Person, plan rollout.Plan, err error) {
	now := w.portal.Clock.Now()
	opens := now.Add(-since).Truncate(time.Hour)
	if staff, err = w.staff(ctx, keys); err != nil {
		return staff, plan, err
	}
	size := c.Accounts / c.Organizations
	part := max(1, 20_000/size) // organizations
	values := map[string]string{"accounts": strconv.Itoa(c.Accounts), "organizations": strconv.Itoa(c.Organizations), "open": strconv.Itoa(c.Open),
		"size": strconv.Itoa(size), "opens": micros(opens), "came": micros(opens.AddDate(0, -6, 0)), "span": strconv.Itoa(int(now.Sub(opens) / time.Second))}
	if err := w.run(ctx, "once", values); err != nil {
		return staff, plan, err
	}
	for first := 0; first < c.Organizations; first += part {
		last := min(first+part, c.Organizations)
		values["from"], values["to"] = strconv.Itoa(first*size), strconv.Itoa(last*size)
		values["first"], values["last"] = fmt.Sprintf("o%06d", first), fmt.Sprintf("o%06d", last-1)
		if err := w.run(ctx, "each", values); err != nil {
			return staff, plan, err
		}
		told(last * size)
	}
	if err := w.run(ctx, "last", values); err != nil {
		return staff, plan, err
	}
	if err := counted(ctx, w.db); err != nil {
		return staff, plan, err
	}
	err = w.db.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		plan, err = rollout.Save(ctx, tx, rollout.Plan{Opens: opens, Ends: opens.AddDate(0, 0, 52), Zone: "Asia/Tokyo", Reminders: rollout.Usual}, "bench")
		return err
	})
	return staff, plan, err
}

func micros(t time.Time) string { return strconv.FormatInt(store.Micros(t), 10) }

// run runs the statements under a heading of crowd.sql, in one transaction.
func (w *world) run(ctx context.Context, heading string, values map[string]string) error {
	return w.runSQL(ctx, crowdSQL, heading, values)
}

// runSQL runs the statements under a heading of a file, in one transaction.
func (w *world) runSQL(ctx context.Context, file, heading string, values map[string]string) error {
	var pairs []string
	for name, value := range values {
		pairs = append(pairs, "{"+name+"}", value)
	}
	fill := strings.NewReplacer(pairs...)
	return w.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, section := range strings.Split(file, "\n-- ")[1:] {
			text, ours := strings.CutPrefix(section, heading+"\n")
			if !ours {
				continue
			}
			if _, err := tx.Exec(ctx, fill.Replace(text)); err != nil {
				return fmt.Errorf("crowd: %w: %s", err, strings.SplitN(text, "\n", 2)[0])
			}
		}
		return nil
	})
}

// staff adds an operator who can sign in by an app's code.
func (w *world) staff(ctx context.Context, keys *secret.Keys) (p Person, err error) {
	hash, err := w.portal.Pool.Hash(ctx, typed)
	if err != nil {
		return Person{}, err
	}
	key := totp.NewSecret()
	err = w.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		o, err := operator.Add(ctx, tx, operator.Operator{Email: "olga@bench.example", Name: "Olga Berg", Language: "en", Zone: "Asia/Tokyo"}, "bench")
		if err != nil {
			return err
		}
		if err := password.Set(ctx, tx, o.Ref(), hash, password.Changed); err != nil {
			return err
		}
		return totp.Enroll(ctx, tx, keys, o.Ref(), key, 0, 0)
	})
	return Person{Email: "olga@bench.example", Password: typed, Key: totp.Text(key), Operator: true}, err
}
