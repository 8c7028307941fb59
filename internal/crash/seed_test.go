package crash

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/clock"
	"nidan/internal/mailotp"
	"nidan/internal/organization"
	"nidan/internal/password"
	"nidan/internal/rollout"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/totp"
)

// person is somebody, with all that he knows and all that is known of him.
type person struct {
	account.Account
	password string
	key      []byte   // of the app; nil: none
	lastStep int64    // typed so far, right or not: no step is typed twice but on purpose
	old      [][]byte // secrets that open nothing: never confirmed, or replaced
	run      int      // wrong codes since the last right one
	wrong    int      // and in all
	mails    int      // mailed codes asked for and not answered rightly
	resets   int
	*browser

	// What the portal has answered as done, for the check that it is there. Nil: not known.
	sure struct {
		key       []byte
		password  string
		method    account.Method
		suspended *bool
		gone      bool
	}
}

// cast is everybody, by what they do.
type cast struct {
	signers    []*person // TOTP, enrolled
	mailers    []*person // MailOTP, assigned by a Portal Admin and enrolled
	newcomers  chan *person
	resetters  []*person
	recoverers []*person
	victims    []*person
	admins     []*person
	late       []*person // past their own end, not enrolled
	ending     []*person // their own end comes while the harness runs
	locked     *person
	calm       calm
	everybody  []*person
	serial     int
}

// calm are those who do each deed once after the last kill, so that there is always
// something for each check to look at.
type calm struct {
	admin, chief, newcomer, signer, mailer, resetter, recoverer, victim *person
}

// Organizations of the harness.
const (
	aozora   = "Aozora"   // in the period
	brennhof = "Brennhof" // its own rollout has ended
	cormoran = "Cormoran" // its own rollout ends while the harness runs
)

// endsAfter is when the own end of cormoran comes.
const endsAfter = 9 * time.Second

// hashed is a password as the cheapest Argon2id there is: its first sign-in replaces it.
func hashed(text string) string {
	salt := secret.Bytes(16)
	key := argon2.IDKey([]byte(text), salt, 1, 64, 1, 32)
	return "$argon2id$v=19$m=64,t=1,p=1$" + base64.RawStdEncoding.EncodeToString(salt) + "$" + base64.RawStdEncoding.EncodeToString(key)
}

// phrase is a password that no rule refuses and that nothing else holds.
func phrase() string { return "zq" + hex.EncodeToString(secret.Bytes(12)) }

type seeder struct {
	w    *world
	ctx  context.Context
	tx   *store.Tx
	orgs map[string]string
}

// seed fills the portal with people: what was planned, forty days ago, the rest now.
func (w *world) seed(people int) {
	w.t.Helper()
	now := time.Now()
	s := &seeder{w: w, orgs: map[string]string{}}
	w.cast = cast{newcomers: make(chan *person, 2*people+4)}
	w.write(clock.At(now.AddDate(0, 0, -40)), func(ctx context.Context, tx *store.Tx) error {
		s.ctx, s.tx = ctx, tx
		return s.plan(now)
	})
	w.write(clock.New(), func(ctx context.Context, tx *store.Tx) error {
		s.ctx, s.tx = ctx, tx
		return s.people(people)
	})
	w.began = time.Now()
}

// write changes the database behind the portal's back.
func (w *world) write(clk *clock.Clock, do func(ctx context.Context, tx *store.Tx) error) {
	w.t.Helper()
	db, err := store.Open(context.Background(), w.source, clk.Now)
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	if err := db.Write(context.Background(), do); err != nil {
		w.t.Fatal(err)
	}
}

// plan adds organizations and their rollouts.
func (s *seeder) plan(now time.Time) error {
	for _, name := range []string{aozora, brennhof, cormoran} {
		o, err := organization.Add(s.ctx, s.tx, name)
		if err != nil {
			return err
		}
		s.orgs[name] = o.ID
	}
	for _, plan := range []rollout.Plan{
		{Opens: now.AddDate(0, 0, -14), Ends: now.AddDate(0, 0, 38)},
		{Organization: s.orgs[brennhof], Opens: now.AddDate(0, 0, -30), Ends: now.Add(-time.Hour)},
		{Organization: s.orgs[cormoran], Opens: now.AddDate(0, 0, -15), Ends: now.Add(endsAfter)},
	} {
		if _, err := rollout.Save(s.ctx, s.tx, plan, "seed"); err != nil {
			return err
		}
		if plan.Organization != "" {
			s.w.ends[plan.Organization] = plan.Ends
		}
	}
	return nil
}

func (s *seeder) people(people int) error {
	c := &s.w.cast
	var err error
	some := func(n int, org, name string, authority account.Authority, as func(*person) error) (list []*person) {
		for range n {
			p, bad := s.person(org, name, authority)
			if bad == nil && as != nil {
				bad = as(p)
			}
			if bad != nil && err == nil {
				err = bad
			}
			list = append(list, p)
		}
		return list
	}
	c.admins = some(2, aozora, "admin", account.PortalAdmin, s.enrolled)
	some(1, brennhof, "admin", account.PortalAdmin, s.enrolled)
	c.signers = some(people/2, aozora, "signer", account.GeneralUser, s.enrolled)
	c.mailers = some(max(3, people/8), aozora, "mailer", account.GeneralUser, s.mailed)
	c.resetters = some(max(2, people/10), aozora, "resetter", account.GeneralUser, s.enrolled)
	c.recoverers = some(max(2, people/10), aozora, "recoverer", account.GeneralUser, s.enrolled)
	c.victims = some(3, aozora, "victim", account.GeneralUser, s.enrolled)
	c.late = some(2, brennhof, "late", account.GeneralUser, nil)
	c.ending = some(2, cormoran, "ending", account.GeneralUser, nil)
	for _, p := range some(max(2, people/8), aozora, "chief", account.PortalAdmin, nil) {
		c.newcomers <- p
	}
	for _, p := range some(people, aozora, "newcomer", account.GeneralUser, nil) {
		c.newcomers <- p
	}
	c.calm = calm{
		admin:     some(1, aozora, "admin", account.PortalAdmin, s.enrolled)[0],
		chief:     some(1, aozora, "chief", account.PortalAdmin, nil)[0],
		newcomer:  some(1, aozora, "newcomer", account.GeneralUser, nil)[0],
		signer:    some(1, aozora, "signer", account.GeneralUser, s.enrolled)[0],
		mailer:    some(1, aozora, "mailer", account.GeneralUser, s.mailed)[0],
		resetter:  some(1, aozora, "resetter", account.GeneralUser, s.enrolled)[0],
		recoverer: some(1, aozora, "recoverer", account.GeneralUser, s.enrolled)[0],
		victim:    some(1, aozora, "victim", account.GeneralUser, s.enrolled)[0],
	}
	c.locked = some(1, aozora, "locked", account.GeneralUser, s.enrolled)[0]
	return err
}

// person adds somebody with a password of before the period.
func (s *seeder) person(org, name string, authority account.Authority) (*person, error) {
	c := &s.w.cast
	c.serial++
	name = fmt.Sprintf("%s%d", name, c.serial)
	p := &person{password: phrase()}
	var err error
	p.Account, err = account.Add(s.ctx, s.tx, s.w.keys, account.Account{Ref: account.Ref{Organization: s.orgs[org]},
		Email: name + "@" + strings.ToLower(org) + ".example", Name: "Person " + name, Phone: fmt.Sprintf("03%08d", c.serial),
		Authority: authority, Language: "en", Zone: "UTC"}, "seed")
	if err != nil {
		return nil, err
	}
	p.browser = &browser{w: s.w, network: fmt.Sprintf("10.%d.%d.7", c.serial/200, c.serial%200)}
	s.w.secret(p.password, p.Email)
	p.sure.password = p.password
	c.everybody = append(c.everybody, p)
	if err := password.Set(s.ctx, s.tx, p.Ref, hashed(p.password), password.Changed); err != nil {
		return nil, err
	}
	_, err = s.tx.Exec(s.ctx, `update password set first_at = $1 where organization_id = $2 and holder_id = $3`,
		store.Micros(s.tx.Now().AddDate(0, -2, 0)), p.Organization, p.ID)
	return p, err
}

// enrolled gives somebody an app, with the record of its first code.
func (s *seeder) enrolled(p *person) error {
	p.key = totp.NewSecret()
	p.sure.key, p.sure.method = p.key, account.TOTP
	s.w.secret(totp.Text(p.key), p.Email)
	if err := totp.Enroll(s.ctx, s.tx, s.w.keys, p.Ref, p.key, 1, 1); err != nil {
		return err
	}
	if err := s.proved(p, account.TOTP); err != nil {
		return err
	}
	return s.finished(p)
}

// mailed sets somebody to MailOTP, as a Portal Admin has done, and enrolls it.
func (s *seeder) mailed(p *person) error {
	admin := s.w.admins[0]
	p.Method, p.sure.method = account.MailOTP, account.MailOTP
	if err := account.Assign(s.ctx, s.tx, p.Ref, account.MailOTP, admin.ID); err != nil {
		return err
	}
	err := audit.Record(s.ctx, s.tx, s.w.keys, audit.Entry{Chain: p.Organization, Act: "account:method:changed",
		Actor: audit.Actor{Kind: audit.KindAccount, ID: admin.ID}, Subject: p.ID, Detail: map[string]string{"from": "totp", "to": "mailotp"}})
	if err != nil {
		return err
	}
	if _, err := mailotp.Enroll(s.ctx, s.tx, p.Ref); err != nil {
		return err
	}
	return s.finished(p)
}

func (s *seeder) finished(p *person) error {
	return rollout.FinishGrace(s.ctx, s.tx, s.w.keys, p.Account, "enrolled", p.ID)
}

// proved writes the record of the first code.
func (s *seeder) proved(p *person, method account.Method) error {
	_, err := s.tx.Exec(s.ctx, `insert into second_step (id, organization_id, holder_id, session_id, door, method, totp_step, at)
		values ($1, $2, $3, 'seed', 'setup', $4, 1, $5)`, secret.ID(), p.Organization, p.ID, string(method), store.Micros(s.tx.Now()))
	return err
}
