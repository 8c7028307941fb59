package store

import "testing"

// A statement that is read wrongly leaves other nodes with what is revoked: whatever the
// text does not plainly say counts as a change.
func TestAStatementThatMayWriteWhatIsWatchedCountsAsOne(t *testing.T) {
	for text, want := range map[string]kind{
		`select id from session where id = $1`:                                                        {selects: true},
		`values (1)`:                                                                                  {},
		`insert into ticket (id) values ($1)`:                                                         {adds: true},
		`insert into session (id) values ($1)`:                                                        {writes: true, adds: true},
		`insert into totp (id) values ($1) on conflict (id) do nothing`:                               {writes: true},
		`UPDATE "Session" set seen_at = $1`:                                                           {writes: true},
		`update public.session set seen_at = $1`:                                                      {writes: true},
		`delete from only "public"."session" where id = $1`:                                           {writes: true},
		"with gone as (delete from\n\tpass where id = $1 returning id) select id from gone":           {writes: true},
		`with n as (select 1) merge into session s using n on false when not matched then do nothing`: {writes: true},
		`replace into session (id) values ($1)`:                                                       {writes: true},
		`with n as (select 1) insert or replace into session (id) select * from n`:                    {writes: true},
		`truncate session`:                                                                            {writes: true},
		`alter table ticket add column more text`:                                                     {writes: true},
	} {
		if got := kindOfText(text); got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
}
