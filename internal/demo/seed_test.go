package demo_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/announcement"
	"nidan/internal/audit"
	"nidan/internal/demo"
	"nidan/internal/limit"
	"nidan/internal/page"
	"nidan/internal/pass"
	"nidan/internal/password"
	"nidan/internal/phrase"
	"nidan/internal/reminder"
	"nidan/internal/route"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/signin"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/ticket"
	"nidan/internal/verification"
)

// tokyo is the house zone.
var tokyo, _ = time.LoadLocation("Asia/Tokyo")

// scene is a seeded demo.
type scene struct {
	storetest.World
	site   *page.Site
	source string
	facts  demo.Facts
}

// each seeds a demo on both engines.
func each(t *testing.T, test func(t *testing.T, s scene)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, seeded(t, filepath.Join(t.TempDir(), "demo.db"))) })
	t.Run("postgresql", func(t *testing.T) { test(t, seeded(t, storetest.PostgreSQL(t))) })
}

func marked(t *testing.T, source string, isDemo bool) scene {
	t.Helper()
	s := scene{World: storetest.Open(t, source), source: source}
	book, err := phrase.NewBook([]fs.FS{phrase.Words, page.Words, session.Words, password.Words, pass.Words,
		verification.Words, signin.Words, announcement.Words, reminder.Words, ticket.Words, demo.Words}...)
	must(t, err)
	s.site, err = page.New(book, slog.New(slog.DiscardHandler), page.Options{Name: "Business Portal", House: tokyo,
		Contact: "help@desk.example", Demo: true, Now: s.Clock.Now})
	must(t, err)
	must(t, s.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return store.MarkPortal(ctx, tx, s.Keys.Digest(secret.ForKey, "portal"), isDemo)
	}))
	return s
}

func (s scene) seed(t *testing.T) (demo.Facts, error) {
	t.Helper()
	pool := password.NewPool(password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}, 2, 256<<20)
	t.Cleanup(pool.Close)
	return demo.Seed(t.Context(), demo.Seeding{Database: s.source, KeyFile: "demo.key", Keys: s.Keys, Site: s.site,
		Pool: pool, URL: "http://127.0.0.1:8080"}, s.Clock.Now())
}

func seeded(t *testing.T, source string) scene {
	t.Helper()
	s := marked(t, source, true)
	var err error
	s.facts, err = s.seed(t)
	must(t, err)
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Seeding takes its time, so that each engine is seeded once for all of these.
func TestASeed(t *testing.T) {
	each(t, func(t *testing.T, s scene) {
		for name, check := range map[string]func(*testing.T, scene){
			"the record is whole":                   theRecordIsWhole,
			"what is told was played":               whatIsToldWasPlayed,
			"the invariants hold":                   theInvariantsHold,
			"an old hash opens with its password":   anOldHashOpens,
			"help was asked for in every way":       helpWasAskedForInEveryWay,
			"the rule meets everybody in his state": theRuleMeetsEverybodyInHisState,
		} {
			t.Run(name, func(t *testing.T) { check(t, s) })
		}
	})
}

func theRecordIsWhole(t *testing.T, s scene) {
	report, err := audit.Verify(t.Context(), s.DB, s.Keys, nil)
	must(t, err)
	if len(report.Broken) > 0 || report.Chains != 3 || report.Rows < 300 {
		t.Errorf("%d rows in %d chains, broken: %v", report.Rows, report.Chains, report.Broken)
	}
}

func TestADatabaseOfAPortalOrInUseIsNotSeeded(t *testing.T) {
	portal := marked(t, filepath.Join(t.TempDir(), "portal.db"), false)
	if _, err := portal.seed(t); !errors.Is(err, demo.ErrNotDemo) {
		t.Errorf("a portal's database: %v, want ErrNotDemo", err)
	}
	s := marked(t, filepath.Join(t.TempDir(), "demo.db"), true)
	whole, err := demo.Seeded(t.Context(), s.DB)
	if err != nil || whole {
		t.Errorf("an empty database: seeded %t, %v", whole, err)
	}
	_, err = s.seed(t)
	must(t, err)
	if whole, err = demo.Seeded(t.Context(), s.DB); err != nil || !whole {
		t.Errorf("after the seed: seeded %t, %v", whole, err)
	}
	if _, err := s.seed(t); !errors.Is(err, demo.ErrUsed) {
		t.Errorf("a second seed: %v, want ErrUsed", err)
	}
}

func whatIsToldWasPlayed(t *testing.T, s scene) {
	expected := demo.Everybody().Accounts
	if len(s.facts.Accounts) != len(expected) {
		t.Fatalf("%d accounts, want %d", len(s.facts.Accounts), len(expected))
	}
	for i, a := range s.facts.Accounts {
		want := expected[i]
		if a.TOTPSecret != "" != (a.Enrolled && a.Method == "totp") {
			t.Errorf("%s: enrolled %t by %s, secret %q", a.Email, a.Enrolled, a.Method, a.TOTPSecret)
		}
		if want.Phone = a.Phone; strings.Trim(a.Phone, "0123456789") != "" || a.Phone == "" {
			t.Errorf("%s: phone %q", a.Email, a.Phone)
		}
		if want.TOTPSecret = a.TOTPSecret; a != want {
			t.Errorf("played %+v, told %+v", a, want)
		}
	}
	now := s.Clock.Now()
	if len(s.facts.Windows) != 2 || s.facts.Windows[0].Opens != s.facts.Rollout.Opens || s.facts.Windows[0].Closes.After(now) ||
		!s.facts.Windows[1].Opens.After(now) || s.facts.Windows[1].Closes.After(s.facts.Rollout.Ends) {
		t.Errorf("windows %v in %v", s.facts.Windows, s.facts.Rollout)
	}
}

// broken are questions that count rows which break an invariant of the portal.
var broken = map[string]string{
	"accounts enrolled by both methods": `select count(*) from totp t
		join mailotp m on m.organization_id = t.organization_id and m.holder_id = t.holder_id`,
	"accounts enrolled without a record of the code": `select count(*) from account a
		where (exists (select 1 from totp t where t.holder_id = a.id) or exists (select 1 from mailotp m where m.holder_id = a.id))
			and not exists (select 1 from second_step s where s.holder_id = a.id and s.door = 'setup')`,
	"accounts enrolled in grace": `select count(*) from account a
		where (exists (select 1 from totp t where t.holder_id = a.id) or exists (select 1 from mailotp m where m.holder_id = a.id))
			and not exists (select 1 from grace_end g where g.address_digest = a.address_digest)`,
	"ends of grace without an enrollment": `select count(*) from grace_end g
		where not exists (select 1 from totp t where t.holder_id = g.holder_id)
			and not exists (select 1 from mailotp m where m.holder_id = g.holder_id)`,
	"enrollments before the opening": `select count(*) from grace_end g join rollout r on r.organization_id = ''
		where g.ended_at < r.opens`,
	"sessions of two steps without their one record": `select count(*) from session s where s.code_at is not null
		and 1 <> (select count(*) from second_step y where y.session_id = s.id and y.holder_id = s.holder_id and y.at <= s.code_at)`,
	"accepted mailed codes not sent to that address": `select count(*) from second_step y
		join mail_code c on c.id = y.mail_code_id join account a on a.id = y.holder_id
		where c.address_key <> a.email_key or c.used_at is null`,
	"MailOTP that nobody assigned": `select count(*) from mailotp m join account a on a.id = m.holder_id where a.method <> 'mailotp'`,
	"accepted steps beyond the last one": `select count(*) from second_step y join totp t on t.holder_id = y.holder_id
		where y.totp_step > t.last_step`,
	"sessions left open": `select count(*) from session where ended_at is null and network not in ('203.0.113.66/32', '192.0.2.1/32')`,
	"letters not sent, but to the mailbox that was given up": `select count(*) from mail where sent_at is null and parked_at is null`,
	"mailboxes given up, beyond one":                         `select count(*) - 1 from undeliverable`,
	"open passes of people who have set up": `select count(*) from pass p join second_step y on y.holder_id = p.holder_id
		where p.spent_at is null and p.withdrawn_at is null and p.replaced_at is null`,
	"records out of time":       `select count(*) from audit a join audit b on b.chain = a.chain and b.seq = a.seq + 1 where b.at < a.at`,
	"days without linked heads": `select 30 - count(*) from audit where act = 'portal:heads:linked'`,
}

func theInvariantsHold(t *testing.T, s scene) {
	for what, question := range broken {
		var n int
		must(t, s.DB.QueryRow(t.Context(), question).Scan(&n))
		if n != 0 {
			t.Errorf("%s: %d", what, n)
		}
	}
	var latest store.Instant
	must(t, s.DB.QueryRow(t.Context(), `select max(at) from audit`).Scan(&latest))
	if !latest.Equal(s.Clock.Now()) {
		t.Errorf("the last record is of %s, want the demo's beginning, %s", latest, s.Clock.Now())
	}
}

// helpWasAskedForInEveryWay: of somebody locked out one trail leads from the contact form
// to the new phone; a mail is a ticket with its file; an answer by mail quotes its letter.
func helpWasAskedForInEveryWay(t *testing.T, s scene) {
	var n int
	var chain, subject string
	must(t, s.DB.QueryRow(t.Context(), `select number, about_organization, about_holder from ticket
		where organization_id = '' and about_holder <> '' and state = 'closed'`).Scan(&n, &chain, &subject))
	number := "T-" + strconv.Itoa(n)
	rows, err := s.DB.Query(t.Context(), `select act from audit where chain = 'operators' and act = 'help:ticket:opened' and actor_kind = 'stranger' and subject = $1
		union all select act from (select act, seq from audit where chain = $2 and subject = $3
			and (detail like $4 or act in ('account:pass:redeemed', 'account:method:enrolled')) order by seq) x`,
		number, chain, subject, `%"ticket":"`+number+`"%`)
	must(t, err)
	defer rows.Close()
	var trail []string
	for rows.Next() {
		var act string
		must(t, rows.Scan(&act))
		trail = append(trail, act)
	}
	must(t, rows.Err())
	want := "help:ticket:opened account:method:enrolled account:ticket:linked account:pass:asked account:pass:given account:pass:redeemed account:method:enrolled"
	if got := strings.Join(trail, " "); got != want {
		t.Errorf("the trail of %s is %s, want %s", number, got, want)
	}
	for what, question := range map[string]string{
		"passes spent against it":     `select count(*) from pass where spent_at is not null and ticket = '` + number + `'`,
		"tickets by mail, with file":  `select count(*) from ticket t join attachment f on f.number = t.number where t.organization_id = '' and t.category = 'other' and f.whole and f.size > 50`,
		"tickets of nobody that wait": `select count(*) from ticket where organization_id = '' and category = 'account' and about_holder = '' and state = 'open'`,
		"notices to Portal Admins":    `select count(*) from notice where authority = 'portal_admin'`,
		"notices to everybody":        `select count(*) from notice where authority = '' and organization_id = ''`,
		"comments by mail":            `select count(*) from audit where act = 'help:ticket:commented' and detail like '%"by":"mail"%'`,
	} {
		var n int
		must(t, s.DB.QueryRow(t.Context(), question).Scan(&n))
		if n != 1 {
			t.Errorf("%s: %d", what, n)
		}
	}
	var text string
	must(t, s.DB.QueryRow(t.Context(), `select text from ticket_entry where kind = 'comment'`).Scan(&text))
	if own, quoted := ticket.Fold(text); strings.Contains(own, ">") || !strings.Contains(quoted, "> Dear ") {
		t.Errorf("the comment is %q with the quote %q", own, quoted)
	}
}

// steps are what the rule answers to a right password, by state: a status and a
// place at the gate of the dashboard.
var steps = map[demo.State]string{
	demo.Enrolled: "303 /signin/code", demo.Granted: "303 /signin/code",
	demo.Waiting: "200 set-up", demo.InGrace: "200 set-up", demo.Imported: "200 set-up", demo.Weak: "200 set-up",
	demo.Requested: "200 set-up", demo.Extended: "200 set-up",
	demo.Invited: "403", demo.Lapsed: "403", demo.Suspended: "403", demo.Stopped: "403", demo.Void: "403",
}

func theRuleMeetsEverybodyInHisState(t *testing.T, s scene) {
	gate := &signin.Gate{DB: s.DB, Site: s.site, Clock: s.Clock, Log: slog.New(slog.DiscardHandler),
		Client: func(*http.Request) netip.Addr { return netip.MustParseAddr("192.0.2.1") }}
	_, err := signin.New(signin.Needs{Gate: gate, Keys: s.Keys, Wake: func() {}})
	must(t, err)
	door := gate.Guard(route.Route{Pattern: "GET /", Gate: route.SignedIn, Serve: func(w http.ResponseWriter, r *http.Request) {
		if session.Of(r.Context()).Setup {
			_, _ = w.Write([]byte("set-up"))
		}
	}})
	for _, a := range s.facts.Accounts {
		var token string
		must(t, s.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			ref, err := account.Holder(ctx, tx, account.Key(a.Email))
			if err == nil {
				token, _, err = session.Start(ctx, tx, ref, "192.0.2.1/32", "test", "")
			}
			return err
		}))
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(&http.Cookie{Name: "nidan", Value: token})
		w := httptest.NewRecorder()
		door(w, r)
		got := strconv.Itoa(w.Code)
		switch w.Code {
		case http.StatusOK:
			got += " " + w.Body.String()
		case http.StatusSeeOther:
			got += " " + w.Header().Get("Location")
		}
		if got != steps[a.State] {
			t.Errorf("%s is %s: the gate answers %s, want %s", a.Email, a.State, got, steps[a.State])
		}
	}
}

func anOldHashOpens(t *testing.T, s scene) {
	pool := password.NewPool(password.Small, 2, 256<<20)
	defer pool.Close()
	formats := map[string]bool{}
	for _, a := range s.facts.Accounts {
		if a.State != demo.Imported {
			continue
		}
		_, kept, _, err := password.Lookup(t.Context(), s.DB, s.Keys, account.Key(a.Email), s.Clock.Now(), [4]limit.Key{})
		must(t, err)
		format, err := password.Known(kept.Hash)
		must(t, err)
		formats[format] = true
		if match, err := pool.Verify(t.Context(), kept.Hash, a.Password); err != nil || !match.Right || match.Rehash == "" {
			t.Errorf("%s (%s): right %t, %v", a.Email, format, match.Right, err)
		}
	}
	if len(formats) != 4 {
		t.Errorf("formats %v, want four", formats)
	}
	var clear, sealed int
	must(t, s.DB.QueryRow(t.Context(), `select count(*) filter (where hash <> '' and hash not like '$argon2id$%'),
		count(*) filter (where sealed is not null and hash = '') from password`).Scan(&clear, &sealed))
	if clear != 0 || sealed == 0 {
		t.Errorf("%d hashes of the old portal stand in clear, %d are sealed", clear, sealed)
	}
}
