package people

import (
	"context"
	"strconv"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/store"
	"nidan/internal/verification"
)

// search is what the list is asked for.
type search struct {
	typed string
	show  Show
	after mark // the last person of the page before
}

// list are the people of an organization by name, at most limit of them. First the
// page's own rows are chosen, by the organization's index of names, then they alone
// are read: it takes no longer for how many there are in the portal.
func list(ctx context.Context, r store.Reader, organization string, s search, now time.Time, limit int) ([]Person, error) {
	text, args := listing(organization, s, now, limit)
	rows, err := r.Query(ctx, text, args...)
	return scanAll(rows, err, organization)
}

// listing is the statement of a list. What was typed is only ever a value.
func listing(organization string, s search, now time.Time, limit int) (text string, _ []any) {
	args := arguments{organization, s.after.key, s.after.id}
	like := pattern(account.NameKey(s.typed))
	text = `select ` + personColumns + `
		from (select b.id, b.organization_id from account b
			where b.organization_id = $1 and (b.name_key, b.id) > ($2, $3)` + shown(s.show, &args, now)
	if like != "" {
		text += ` and (b.name_key like ` + args.add(like) + ` escape '!' or b.email_key like ` + args.add(like) + ` escape '!')`
	}
	text += ` order by b.name_key, b.id limit ` + args.add(limit) + `) k
			join account a on a.organization_id = k.organization_id and a.id = k.id` + personJoins + `
		order by a.name_key, a.id`
	return text, args
}

// What the filters ask for. Each part is bound to the organization, $1, on its own,
// so that an engine that prefers to read it as a whole reads that organization's alone.
const (
	proved = ` (exists (select 1 from totp t where t.organization_id = $1 and t.holder_id = b.id)
		or exists (select 1 from mailotp m where m.organization_id = $1 and m.holder_id = b.id))`
	signed = ` (exists (select 1 from session e where e.organization_id = $1 and e.holder_id = b.id)
		or exists (select 1 from progress_person g where g.organization_id = $1 and g.holder_id = b.id and g.signed_at is not null))`
	closed = `select st.holder_id from second_step_state st
			left join password w on w.organization_id = st.organization_id and w.holder_id = st.holder_id
		where st.organization_id = $1 and (st.void_at is not null or st.stopped_at > coalesce(w.reset_at, 0))`
	failures = `select f.holder_id from second_step_failure f
			left join second_step_state s on s.organization_id = f.organization_id and s.holder_id = f.holder_id
		where f.organization_id = $1 and f.at > coalesce(s.waits_from, 0)`
	sinceRight = ` and f.at > coalesce((select max(y.at) from second_step y
		where y.organization_id = f.organization_id and y.holder_id = f.holder_id), 0)`
)

// shown is the condition of a filter.
func shown(show Show, args *arguments, now time.Time) string {
	switch show {
	case ShowOpen:
		return ` and b.suspended_at is null and not` + proved
	case ShowEnrolled:
		return ` and` + proved
	case ShowSuspended:
		return ` and b.suspended_at is not null`
	case ShowNever:
		return ` and not` + signed
	case ShowAsks:
		return ` and b.preset = 'mailotp' and b.method = 'totp' and b.authority = 'general_user'`
	case ShowLocked:
		waits := verification.WaitsAt(now)
		return ` and b.id in (` + closed +
			` union ` + failures + sinceRight + ` group by f.holder_id having ` + ran(waits, args) +
			` union ` + failures + ` and f.at > ` + args.add(store.Micros(waits.HourAgo)) +
			` group by f.holder_id having count(*) >= ` + args.add(verification.Hourly) + `)`
	}
	return ""
}

// ran is the condition that a run of wrong codes keeps somebody waiting.
func ran(waits verification.Waits, args *arguments) string {
	parts := make([]string, len(waits.Runs))
	for i, run := range waits.Runs {
		parts[i] = `count(*) >= ` + args.add(run) + ` and max(f.at) > ` + args.add(store.Micros(waits.Since[i]))
	}
	return strings.Join(parts, " or ")
}

// arguments are the values of a statement whose parts depend on what is asked for.
type arguments []any

// add binds a value and answers its placeholder.
func (a *arguments) add(value any) string {
	*a = append(*a, value)
	return "$" + strconv.Itoa(len(*a))
}
