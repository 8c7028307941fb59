package record

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/organization"
	"nidan/internal/store"
)

// batch is how many rows are held at once by what walks all that a filter chooses.
const batch = 500

// question collects the conditions of a statement with their values: texts of its
// own, in which what was typed is only ever a value.
type question struct {
	conditions []string
	args       []any
	found      bool // an index finds the rows
}

// with adds a condition; each ? in it is one of the values, in their order.
func (q *question) with(condition string, args ...any) {
	for _, arg := range args {
		q.args = append(q.args, arg)
		condition = strings.Replace(condition, "?", "$"+strconv.Itoa(len(q.args)), 1)
	}
	q.conditions = append(q.conditions, condition)
}

func (q *question) where() string {
	if len(q.conditions) == 0 {
		return "1 = 1"
	}
	return strings.Join(q.conditions, " and ")
}

// signIns are the rows of an organization's history. What was proved behind another
// door is no sign-in; such rows name it, and those of the first step name none. A
// name within quotes cannot be made up in a value: there the quotes are escaped.
const signIns = `(act || '' in ('account:pass:redeemed', 'account:pass:refused')
	or act || '' in ('account:password:accepted', 'account:password:refused') and detail not like '%"door":"%'
	or act || '' in ('account:code:accepted', 'account:code:refused') and detail like '%"door":"signin"%')`

// equals asks for a value of a column. Of several, the first that is asked finds the
// rows by its index and the rest only sift them: left to themselves, and knowing
// nothing of how often a value comes, the engines take the wrong one.
func (q *question) equals(column, value string) {
	switch {
	case value == "":
	case q.found:
		q.with(column+" || '' = ?", value)
	default:
		q.with(column+" = ?", value)
		q.found = true
	}
}

// question asks from what is rare to what is common.
func (f Filter) question() (q question) {
	if f.Nothing {
		q.with("1 = 0")
	}
	q.equals("subject", f.Subject)
	q.equals("actor", f.Actor)
	q.equals("network", f.Network)
	if len(f.Acts) == 1 {
		q.equals("act", f.Acts[0])
	}
	q.equals("chain", f.Chain)
	if !f.From.IsZero() {
		q.with("at >= ?", store.Micros(f.From))
	}
	if !f.Until.IsZero() {
		q.with("at < ?", store.Micros(f.Until))
	}
	if len(f.Acts) > 1 { // sifted in the order of time; by the index all of them would be sorted first
		args := make([]any, len(f.Acts))
		for i, a := range f.Acts {
			args[i] = a
		}
		q.with("act || '' in (?"+strings.Repeat(", ?", len(args)-1)+")", args...)
	}
	if f.Seq != 0 {
		q.with("seq = ?", f.Seq)
	}
	if f.SignIns {
		q.with(signIns)
	}
	return q
}

// Newest is a page of what a filter chooses, newest first, behind a place.
func Newest(ctx context.Context, r store.Reader, f Filter, before Place, limit int) ([]Named, error) {
	q := f.question()
	if !before.At.IsZero() {
		q.with("(at, chain, seq) < (?, ?, ?)", store.Micros(before.At), before.Chain, before.Seq)
	}
	return q.read(ctx, r, " desc", limit)
}

// Each calls do with every row that a filter chooses, oldest first, in bounded memory.
func Each(ctx context.Context, r store.Reader, f Filter, do func(Named) error) error {
	for after := (Place{}); ; {
		q := f.question()
		if !after.At.IsZero() {
			q.with("(at, chain, seq) > (?, ?, ?)", store.Micros(after.At), after.Chain, after.Seq)
		}
		rows, err := q.read(ctx, r, "", batch)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := do(row); err != nil {
				return err
			}
			after = row.place()
		}
		if len(rows) < batch {
			return nil
		}
	}
}

func (n Named) place() Place { return Place{At: n.At, Chain: n.Chain, Seq: n.Seq} }

// read runs the question. The names are joined to the few rows that were found: an
// actor or subject is looked for in the row's own organization and among operators.
func (q *question) read(ctx context.Context, r store.Reader, order string, limit int) ([]Named, error) {
	q.args = append(q.args, limit)
	by := func(of string) string {
		return " order by " + of + "at" + order + ", " + of + "chain" + order + ", " + of + "seq" + order
	}
	rows, err := r.Query(ctx, `with found as (select chain, seq, at, act, actor_kind, actor, subject, network, detail, previous, digest
			from audit where `+q.where()+by("")+` limit $`+strconv.Itoa(len(q.args))+`)
		select f.chain, f.seq, f.at, f.act, f.actor_kind, f.actor, f.subject, f.network, f.detail, f.previous, f.digest,
			coalesce(o.name, ''), coalesce(aa.name, ao.name, ''), coalesce(aa.email, ao.email, ''),
			coalesce(sa.name, so.name, sg.name, ''), coalesce(sa.email, so.email, '')
		from found f
			left join organization o on o.id = f.chain
			left join account aa on aa.organization_id = f.chain and aa.id = f.actor and f.actor_kind = 'account'
			left join operator ao on ao.id = f.actor and f.actor_kind = 'operator'
			left join account sa on sa.organization_id = f.chain and sa.id = f.subject
			left join operator so on so.id = f.subject
			left join organization sg on sg.id = f.subject`+
		by("f."), q.args...)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	defer rows.Close()
	var list []Named
	for rows.Next() {
		var n Named
		var at store.Instant
		var detail string
		if err := rows.Scan(&n.Chain, &n.Seq, &at, &n.Act, &n.Actor.Kind, &n.Actor.ID, &n.Subject, &n.Network, &detail, &n.Previous, &n.Digest,
			&n.Organization, &n.ActorName, &n.ActorEmail, &n.SubjectName, &n.SubjectEmail); err != nil {
			return nil, fmt.Errorf("record: %w", err)
		}
		n.At, n.Detail = at.Time, readDetail(detail)
		list = append(list, n)
	}
	return list, rows.Err()
}

// found is whom typed words mean.
type found struct{ actor, subject, organization string }

// resolve finds who signs in with two addresses and which organization has a name, in
// one question; what is nobody's stays empty.
func resolve(ctx context.Context, r store.Reader, actor, subject, chain string) (f found, err error) {
	rows, err := r.Query(ctx, `select 'address', address_key, holder_id from address where address_key = $1 or address_key = $2
		union all select 'organization', name_key, id from organization where name_key = $3 or id = $4`,
		account.Key(actor), account.Key(subject), organization.NameKey(chain), chain)
	if err != nil {
		return found{}, fmt.Errorf("record: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var kind, key, id string
		if err := rows.Scan(&kind, &key, &id); err != nil {
			return found{}, err
		}
		switch {
		case kind == "organization":
			f.organization = id
			continue
		case key == account.Key(actor):
			f.actor = id
		}
		if kind == "address" && key == account.Key(subject) {
			f.subject = id
		}
	}
	return f, rows.Err()
}

// Chain is the chain that a console names: of the operators, or of an organization by
// name or id. No name is all of them.
func Chain(ctx context.Context, r store.Reader, named string) (string, error) {
	if named == "" || named == audit.Operators {
		return named, nil
	}
	f, err := resolve(ctx, r, "", "", named)
	if err == nil && f.organization == "" {
		err = fmt.Errorf("there is no organization %q", named)
	}
	return f.organization, err
}

// own finds an account of one organization by address; empty when it has none.
func own(ctx context.Context, r store.Reader, organizationID, email string) (id string, err error) {
	err = r.QueryRow(ctx, `select coalesce(max(id), '') from account where organization_id = $1 and email_key = $2`,
		organizationID, account.Key(email)).Scan(&id)
	return id, err
}
