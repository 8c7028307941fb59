package progress

import (
	"context"
	"fmt"
	"maps"
	"time"

	"nidan/internal/store"
)

// Recount counts the figures anew from the real rows, and names where those that
// are kept differ; asked to, it writes what it counted over them. It may run beside
// a serving portal: an organization is counted in one transaction, in which first
// all that was noted of it is added up. done, which may be nil, hears how many
// people were counted so far.
//
// When somebody was told, signed in and started is kept nowhere else: there the
// people's own rows are held against the sums alone.
func Recount(ctx context.Context, db *store.DB, repair bool, done func(people int64)) (Recounted, error) {
	found := Recounted{Repaired: repair}
	for after := ""; ; {
		ids, err := organizations(ctx, db, after)
		if err != nil {
			return found, fmt.Errorf("recount: %w", err)
		}
		if len(ids) == 0 {
			break
		}
		for _, id := range ids {
			var part Recounted
			err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
				part, err = recount(ctx, tx, id, repair)
				return err
			})
			if err != nil {
				return found, fmt.Errorf("recount of organization %s: %w", id, err)
			}
			found.Organizations++
			found.People += part.People
			found.add(part.First)
			if done != nil {
				done(found.People)
			}
		}
		after = ids[len(ids)-1]
	}
	list, err := recountPortal(ctx, db, repair)
	if err != nil {
		return found, fmt.Errorf("recount of the portal's hours: %w", err)
	}
	found.add(list)
	return found, nil
}

// organizations are the next ids, of whoever has people or figures.
func organizations(ctx context.Context, r store.Reader, after string) ([]string, error) {
	return texts(r.Query(ctx, `select id from (select id from organization union select organization_id from progress) o
		where id > $1 order by id limit $2`, after, batch))
}

func texts(rows *store.Rows, err error) (list []string, _ error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	return list, rows.Err()
}

// recount counts one organization. All its differences stand in First.
func recount(ctx context.Context, tx *store.Tx, organization string, repair bool) (found Recounted, err error) {
	noted, err := texts(tx.Query(ctx, `select id from progress_event where organization_id = $1 order by id`, organization))
	if err != nil {
		return found, err
	}
	if _, err := fold(ctx, tx, noted); err != nil {
		return found, err
	}
	people, err := rowsOf(ctx, tx, organization)
	if err != nil {
		return found, err
	}
	var now Figures
	hours := map[int64]Figures{}
	for _, one := range people {
		to := one.row.mend(one.person, tx.Now())
		if to != one.person {
			found.First = append(found.First, one.differs(to, organization, one.holder)...)
			if repair {
				if err := keep(ctx, tx, organization, one.holder, to); err != nil {
					return found, err
				}
			}
		}
		if to.stands() {
			found.People++
		}
		sum, by := to.sums()
		now = now.Plus(sum)
		for hour, f := range by {
			hours[hour] = hours[hour].Plus(f)
		}
	}
	return found, compare(ctx, tx, organization, now, hours, repair, &found)
}

// compare holds the sums that are kept against those that were counted.
func compare(ctx context.Context, tx *store.Tx, organization string, now Figures, hours map[int64]Figures, repair bool, found *Recounted) error {
	course, err := ReadCourse(ctx, tx, organization)
	if err != nil {
		return err
	}
	kept := map[int64]Figures{}
	for _, h := range course.Hours {
		kept[hourOf(h.At)] = h.Figures
	}
	found.First = append(found.First, course.Now.differ(now, organization, time.Time{})...)
	found.First = append(found.First, differences(kept, hours, organization)...)
	if !repair {
		return nil
	}
	repaired := sums{now: map[string]Figures{organization: now.Minus(course.Now)},
		hours: map[string]map[int64]Figures{organization: apart(kept, hours)}}
	return repaired.add(ctx, tx)
}

// apart is what must be added to the kept sums to make them the counted ones.
func apart(kept, counted map[int64]Figures) map[int64]Figures {
	all := maps.Clone(counted)
	for hour, f := range kept {
		all[hour] = counted[hour].Minus(f)
	}
	maps.DeleteFunc(all, func(_ int64, f Figures) bool { return f == Figures{} })
	return all
}

// counted is a person as kept, beside the real rows.
type counted struct {
	holder string
	person
	row
}

// rowsOf are all people of an organization that there is an account or a figure of.
func rowsOf(ctx context.Context, tx *store.Tx, organization string) (list []counted, err error) {
	rows, err := tx.Query(ctx, `select a.id, p.holder_id is not null, a.suspended_at, t.enrolled_at, m.enrolled_at,
			p.told_at, p.signed_at, p.started_at, p.enrolled_at, coalesce(p.method, ''), p.method_at, coalesce(p.away, 0), p.left_at
		from account a
			left join totp t on t.organization_id = a.organization_id and t.holder_id = a.id
			left join mailotp m on m.organization_id = a.organization_id and m.holder_id = a.id
			left join progress_person p on p.organization_id = a.organization_id and p.holder_id = a.id
		where a.organization_id = $1`, organization)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c counted
		var suspended, totp, mailotp, told, signed, started, enrolled, method, left store.Instant
		if err := rows.Scan(&c.holder, &c.known, &suspended, &totp, &mailotp,
			&told, &signed, &started, &enrolled, &c.method, &method, &c.away, &left); err != nil {
			return nil, err
		}
		c.row = row{suspended: suspended.Time, totp: totp.Time, mailotp: mailotp.Time}
		c.told, c.signed, c.started, c.enrolled = told.Time, signed.Time, started.Time, enrolled.Time
		c.methodAt, c.left = method.Time, left.Time
		list = append(list, c)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	lost, err := texts(tx.Query(ctx, `select p.holder_id from progress_person p
			left join account a on a.organization_id = p.organization_id and a.id = p.holder_id
		where p.organization_id = $1 and p.away <= 0 and a.id is null`, organization))
	if err != nil {
		return nil, err
	}
	for _, holder := range lost {
		p, err := find(ctx, tx, organization, holder)
		if err != nil {
			return nil, err
		}
		list = append(list, counted{holder, p, row{gone: true}})
	}
	return list, nil
}

// recountPortal holds the whole portal's hours against the sum of all organizations'.
// It reads in one statement, so that nothing is folded in between.
func recountPortal(ctx context.Context, db *store.DB, repair bool) ([]Difference, error) {
	kept, counted, err := portalHours(ctx, db)
	if err != nil || !repair || len(differences(kept, counted, "")) == 0 {
		return differences(kept, counted, ""), err
	}
	var list []Difference
	err = db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		kept, counted, err := portalHours(ctx, tx) // others may have folded since
		if err != nil {
			return err
		}
		list = differences(kept, counted, "")
		return sums{hours: map[string]map[int64]Figures{"": apart(kept, counted)}}.add(ctx, tx)
	})
	return list, err
}

func portalHours(ctx context.Context, r store.Reader) (kept, counted map[int64]Figures, err error) {
	rows, err := r.Query(ctx, `select case when organization_id = '' then 1 else 0 end, hour,
			cast(sum(told) as bigint), cast(sum(signed) as bigint), cast(sum(started) as bigint),
			cast(sum(totp) as bigint), cast(sum(mailotp) as bigint)
		from progress_hour group by 1, 2`)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	kept, counted = map[int64]Figures{}, map[int64]Figures{}
	for rows.Next() {
		var portal, hour int64
		var f Figures
		if err := rows.Scan(&portal, &hour, &f.Told, &f.Signed, &f.Started, &f.TOTP, &f.MailOTP); err != nil {
			return nil, nil, err
		}
		if portal == 1 {
			kept[hour] = f
		} else {
			counted[hour] = f
		}
	}
	return kept, counted, rows.Err()
}
