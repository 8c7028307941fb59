package setup

import (
	"context"
	"fmt"

	"nidan/internal/account"
	"nidan/internal/pass"
	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// byGuide finds whom a link of a starting guide is for, in one statement: the same
// for a link that never was, where everything is empty. It spends nothing.
func byGuide(ctx context.Context, r store.Reader, token string) (s starter, err error) {
	var kind, authority, method, preset, language string
	var expires, spent, withdrawn, replaced store.Instant
	err = r.QueryRow(ctx, `select coalesce(p.id, ''), coalesce(p.kind, ''), p.expires_at, p.spent_at, p.withdrawn_at, p.replaced_at,
			coalesce(p.organization_id, ''), coalesce(a.id, ''), coalesce(a.email, ''), coalesce(a.email_key, ''),
			coalesce(a.name, ''), coalesce(a.phone, ''), coalesce(a.authority, ''), coalesce(a.method, ''), coalesce(a.preset, ''),
			coalesce(a.language, ''), coalesce(a.time_zone, ''), coalesce(o.name, ''),
			a.id is not null and a.suspended_at is null and o.id is not null and o.suspended_at is null,
			t.enrolled_at is not null or m.enrolled_at is not null
		from (select 1 as one) q
			left join pass p on p.digest = $1
			left join account a on a.organization_id = p.organization_id and a.id = p.holder_id
			left join organization o on o.id = p.organization_id
			left join totp t on t.organization_id = p.organization_id and t.holder_id = p.holder_id
			left join mailotp m on m.organization_id = p.organization_id and m.holder_id = p.holder_id`, secret.Digest(token)).
		Scan(&s.Pass.ID, &kind, &expires, &spent, &withdrawn, &replaced,
			&s.Organization, &s.Account.ID, &s.Email, &s.EmailKey, &s.Name, &s.Phone, &authority, &method, &preset,
			&language, &s.Zone, &s.OrganizationName, &s.Standing, &s.Enrolled)
	if err != nil {
		return starter{}, fmt.Errorf("starting guide: %w", err)
	}
	s.Kind, s.Expires, s.Spent = pass.Kind(kind), expires.Time, spent.Time
	s.Withdrawn, s.Replaced = withdrawn.Time, replaced.Time
	s.Authority, s.Method, s.Preset = account.Authority(authority), account.Method(method), account.Method(preset)
	s.Language, _ = phrase.Parse(language)
	return s, nil
}
