package mail

import (
	"context"
	"fmt"
	"net/textproto"
	"testing"
	"time"

	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// person is somebody with an address.
type person struct{ organization, id, email string }

// somebody writes an account, as the lists of undeliverable addresses need it.
func somebody(t *testing.T, w storetest.World, organization, email string) person {
	t.Helper()
	a := person{organization, "a-" + email, email}
	must(t, w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for _, row := range []struct {
			text string
			args []any
		}{
			{`insert into organization (id, name, name_key, created_at) values ($1, $2, $2, 0) on conflict do nothing`, []any{organization, "The " + organization}},
			{`insert into address (address_key, organization_id, holder_id) values ($1, $2, $3)`, []any{email, organization, a.id}},
			{`insert into account (id, organization_id, email, email_key, address_digest, name, phone, authority, method, method_by, method_at,
					preset, language, time_zone, job_title, mobile, network_check, created_at)
				values ($1, $2, $3, $3, $4, '佐藤 花子', '', 'general_user', 'totp', '', 0, '', 'ja', 'Asia/Tokyo', '', '', false, 0)`,
				[]any{a.id, organization, email, []byte(email)}},
		} {
			if _, err := tx.Exec(ctx, row.text, row.args...); err != nil {
				return err
			}
		}
		return nil
	}))
	return a
}

func to(a person, lane Lane) Letter {
	l := letter(lane, a.email)
	l.Organization, l.Holder = a.organization, a.id
	return l
}

func undeliverables(t *testing.T, w storetest.World, organization string) []Undeliverable {
	t.Helper()
	list, err := Undeliverables(t.Context(), w.DB, organization, Mark{}, 100)
	must(t, err)
	return list
}

func TestWhichRefusalsAreAboutTheMailbox(t *testing.T) {
	for _, row := range []struct {
		step string
		code int
		text string
		want bool
	}{
		{stepRcpt, 550, "5.1.1 no such user", true},
		{stepRcpt, 550, "5.1.2 no such domain", true},
		{stepRcpt, 556, "5.1.10 null MX", true},
		{stepRcpt, 550, "5.2.1 mailbox disabled", true},
		{stepRcpt, 552, "5.2.2 mailbox full", true},
		{stepRcpt, 550, "5.4.1 Recipient address rejected: Access denied", true},
		{stepRcpt, 525, "5.7.13 account disabled", true},
		{stepRcpt, 550, "no such user here", true},
		{stepRcpt, 553, "5.0.0 unknown", true},
		{stepContent, 550, "5.1.1 no such user after all", true},
		{stepRcpt, 450, "4.2.1 greylisted", false},
		{stepRcpt, 550, "5.1.8 sender's domain not found", false},
		{stepRcpt, 550, "5.7.1 client host blocked", false},
		{stepRcpt, 554, "5.7.1 relay access denied", false},
		{stepRcpt, 550, "relaying denied", false},
		{stepRcpt, 550, "we do not relay", false},
		{stepRcpt, 554, "no", false},
		{stepMail, 550, "5.1.1 who are you", false},
		{stepMail, 553, "sender refused", false},
		{stepContent, 554, "spam", false},
		{stepContent, 550, "5.7.1 spam", false},
		{stepContent, 552, "5.3.4 too long", false},
		{stepAuth, 535, "5.7.8 wrong password", false},
	} {
		f := failed(row.step, &textproto.Error{Code: row.code, Msg: row.text})
		if got := f.aboutTheMailbox(); got != row.want {
			t.Errorf("%s %d %s: %v", row.step, row.code, row.text, got)
		}
		if kept := decide(Notice, 1, storetest.Start, f).refused != (Failure{}); kept != row.want {
			t.Errorf("%s %d %s: kept %v", row.step, row.code, row.text, kept)
		}
	}
}

func TestARefusedRecipientIsUndeliverableUntilItsMailIsAnswered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		hanako, taro := somebody(t, w, "aozora", "hanako@example.com"), somebody(t, w, "midori", "taro@example.com")
		relay := &outside{answer: func(m Message) error {
			return failed(stepRcpt, &textproto.Error{Code: 550, Msg: "5.1.1 <" + m.To + ">\r\n unknown\a"})
		}}
		p := post(w, relay)
		queue(t, w, to(hanako, Notice), to(taro, Code))
		must(t, p.Drain(t.Context()))
		w.Clock.Set(storetest.Start.Add(time.Hour))
		queue(t, w, to(hanako, Bulk))
		must(t, p.Drain(t.Context()))
		list := undeliverables(t, w, "aozora")
		want := Undeliverable{Organization: "aozora", Holder: hanako.id, OrganizationName: "The aozora", Name: "佐藤 花子", Recipient: hanako.email,
			Source: Dialogue, Status: "5.1.1", Words: "5.1.1 <hanako@example.com> unknown", Since: storetest.Start, Latest: storetest.Start.Add(time.Hour), Mails: 2}
		if len(list) != 1 || list[0] != want {
			t.Errorf("kept %+v, want %+v", list, want)
		}
		reached := func(a person) bool {
			not, err := Unreachable(t.Context(), w.DB, a.organization, a.id)
			must(t, err)
			n, err := CountUndeliverable(t.Context(), w.DB, a.organization)
			must(t, err)
			if not != (n == 1) {
				t.Errorf("%s: %v, but %d in the organization", a.email, not, n)
			}
			return !not
		}
		if all, err := CountUndeliverable(t.Context(), w.DB, ""); err != nil || all != 2 || reached(hanako) || reached(taro) {
			t.Errorf("%d in all, %v", all, err)
		}
		answer := func(a person, at time.Time, key string) {
			must(t, w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Exec(ctx, `insert into mail_code (id, organization_id, holder_id, session_id, door, address_key, digest, created_at, expires_at, used_at)
					values ($1, $2, $3, 's', 'signin', $4, $5, 0, 0, $6)`, fmt.Sprint(a.id, at, key), a.organization, a.id, key, []byte("d"), store.Micros(at))
				return err
			}))
		}
		answer(hanako, storetest.Start.Add(time.Minute), hanako.email)         // before it failed again
		answer(hanako, storetest.Start.Add(2*time.Hour), "before@example.com") // mailed to another address
		answer(taro, storetest.Start.Add(time.Second), taro.email)
		for _, want := range []int64{1, 0} {
			if n, err := Answered(t.Context(), w.DB); err != nil || n != want {
				t.Errorf("%d have answered, want %d: %v", n, want, err)
			}
		}
		if !reached(taro) || reached(hanako) {
			t.Error("an answered mail did not clear its own address alone")
		}
		must(t, w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `update account set email = 'sato@example.com' where id = $1`, hanako.id)
			return err
		}))
		if !reached(hanako) || len(undeliverables(t, w, "")) != 0 {
			t.Error("another address is held to be as dead as the one before")
		}
	})
}

func TestOurOwnRefusalMakesNobodyUndeliverable(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		a := somebody(t, w, "aozora", "hanako@example.com")
		queue(t, w, to(a, Notice))
		must(t, post(w, &outside{answer: func(Message) error {
			return failed(stepRcpt, &textproto.Error{Code: 554, Msg: "5.7.1 relay access denied"})
		}}).Drain(t.Context()))
		if n := count(t, w, "parked_at is not null"); n != 1 || len(undeliverables(t, w, "")) != 0 {
			t.Errorf("%d parked, undeliverable %+v", n, undeliverables(t, w, ""))
		}
	})
}

func TestUndeliverableAddressesComeInPages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		relay := &outside{answer: func(Message) error { return refusal(550) }}
		p := post(w, relay)
		for i := range 23 {
			w.Clock.Set(storetest.Start.Add(time.Duration(i/4) * time.Minute)) // several at one instant
			queue(t, w, to(somebody(t, w, fmt.Sprint("o", i%3), fmt.Sprintf("person%02d@example.com", i)), Notice))
			must(t, p.Drain(t.Context()))
		}
		for organization, want := range map[string]int{"": 23, "o0": 8, "o2": 7, "o9": 0} {
			all, from, seen := undeliverables(t, w, organization), Mark{}, 0
			for {
				part, err := Undeliverables(t.Context(), w.DB, organization, from, 5)
				must(t, err)
				for _, u := range part {
					if u != all[seen] {
						t.Errorf("%q: number %d is %s, want %s", organization, seen, u.Recipient, all[seen].Recipient)
					}
					seen, from = seen+1, u.After()
				}
				if len(part) < 5 {
					break
				}
			}
			if seen != want || len(all) != want {
				t.Errorf("%q: %d in pages, %d at once, want %d", organization, seen, len(all), want)
			}
		}
	})
}
