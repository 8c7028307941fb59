package rollout

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"nidan/internal/account"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// The dry run calls able whom account.Admin.Able does: one Portal Admin for each
// mixture of what decides, each in an organization of his own.
func TestTheDryRunCallsAbleWhomTheAccountsRuleDoes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		const mixtures = 1 << 7
		write(t, w, func(ctx context.Context, tx *store.Tx) error {
			for bits := range mixtures {
				if err := mixture(ctx, tx, bits); err != nil {
					return err
				}
			}
			return nil
		})
		standings, err := Standings(t.Context(), w.DB)
		if err != nil || len(standings) != mixtures {
			t.Fatalf("%d organizations stand: %v", len(standings), err)
		}
		able := 0
		for _, s := range standings {
			admins, err := account.Abilities(t.Context(), w.DB, s.Organization)
			if err != nil || len(admins) != 1 {
				t.Fatal(len(admins), err)
			}
			if want := len(account.Able(admins)); s.Able != want {
				t.Errorf("%s: the dry run says %d able, the rule %d: %+v", s.Organization, s.Able, want, admins[0])
			}
			able += s.Able
		}
		// Not suspended; 5 of the 8 ways to be assigned and to have proved; not void, and not stopped or reset since.
		if able != 5*3 {
			t.Errorf("%d of %d are able", able, mixtures)
		}
	})
}

// mixture writes an organization with one Portal Admin, each bit a fact about him.
func mixture(ctx context.Context, tx *store.Tx, bits int) error {
	on := func(bit int, yes, no string) string {
		if bits&(1<<bit) != 0 {
			return yes
		}
		return no
	}
	who := fmt.Sprintf("'o%03d', 'a%03d'", bits, bits)
	for _, text := range []string{
		fmt.Sprintf(`insert into organization (id, name, name_key, created_at) values ('o%03d', 'x', 'o%03d', 1)`, bits, bits),
		fmt.Sprintf(`insert into address (organization_id, holder_id, address_key) values (%s, 'k%03d')`, who, bits),
		fmt.Sprintf(`insert into account (organization_id, id, email, email_key, address_digest, name, phone, authority, method, method_by, method_at,
				preset, language, time_zone, job_title, mobile, network_check, created_at, suspended_at)
			values (%s, 'x', 'k%03d', $1, 'x', '', 'portal_admin', '%s', 'x', 1, '', 'en', 'UTC', '', '', false, 1, %s)`,
			who, bits, on(0, "mailotp", "totp"), on(1, "1", "null")),
		on(2, `insert into totp (organization_id, holder_id, secret, enrolled_at, last_step, epoch) values (`+who+`, $1, 1, 1, 1)`, ""),
		on(3, `insert into mailotp (organization_id, holder_id, enrolled_at) values (`+who+`, 1)`, ""),
		`insert into second_step_state (organization_id, holder_id, stopped_at, void_at) values (` + who + on(4, `, 5`, `, null`) + on(5, `, 1)`, `, null)`),
		on(6, `insert into password (organization_id, holder_id, hash, first_at, set_at, reset_at, weak) values (`+who+`, 'x', 1, 1, 6, false)`, ""),
	} {
		var args []any
		if strings.Contains(text, "$1") {
			args = append(args, []byte{byte(bits)})
		}
		if text == "" {
			continue
		}
		if _, err := tx.Exec(ctx, text, args...); err != nil {
			return err
		}
	}
	return nil
}
