package reminder

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/announcement"
	"nidan/internal/mail"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/password"
	"nidan/internal/phrase"
	"nidan/internal/progress"
	"nidan/internal/rollout"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

const day = 24 * time.Hour

var tokyo = phrase.Location("Asia/Tokyo")

// scene is the room on a real database, with a post that hands letters to a test.
type scene struct {
	storetest.World
	t       *testing.T
	room    *Room
	post    *mail.Post
	sent    *[]mail.Message
	mux     *http.ServeMux
	numbers *int
}

type taker struct{ sent *[]mail.Message }

func (t taker) Send(_ context.Context, m mail.Message) error {
	if strings.HasPrefix(m.To, "gone") {
		return &mail.Failure{Step: "rcpt to", Code: 550, Status: "5.1.1", Text: "5.1.1 no such mailbox", Permanent: true}
	}
	*t.sent = append(*t.sent, m)
	return nil
}

func open(t *testing.T, w storetest.World) *scene {
	t.Helper()
	s := &scene{World: w, t: t, mux: http.NewServeMux(), sent: new([]mail.Message), numbers: new(int)}
	s.post = mail.NewPost(w.DB, w.Keys, w.Clock, taker{s.sent}, "portal@portal.example", slog.New(slog.DiscardHandler))
	s.room = s.node(w.DB)
	for _, rt := range s.room.Routes() {
		s.mux.Handle(rt.Pattern, rt.Serve)
	}
	return s
}

// node is one more node of the portal, on its own handle of the database.
func (s *scene) node(db *store.DB) *Room {
	s.t.Helper()
	book, err := phrase.NewBook(page.Words, phrase.Words, session.Words, announcement.Words, Words)
	if err != nil {
		s.t.Fatal(err)
	}
	site, err := page.New(book, slog.New(slog.DiscardHandler), page.Options{Name: "Business Portal", House: tokyo,
		Contact: "help@portal.example", Hours: "9:00-17:30 JST", Now: s.Clock.Now})
	if err != nil {
		s.t.Fatal(err)
	}
	room, err := New(Needs{Rounds: &Rounds{DB: db, Keys: s.Keys}, Site: site, BaseURL: "https://portal.example"})
	if err != nil {
		s.t.Fatal(err)
	}
	return room
}

func (s *scene) in(do func(ctx context.Context, tx *store.Tx) error) {
	s.t.Helper()
	if err := s.DB.Write(s.t.Context(), do); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) organization(name string) (id string) {
	s.t.Helper()
	s.in(func(ctx context.Context, tx *store.Tx) error {
		o, err := organization.Add(ctx, tx, name)
		id = o.ID
		return err
	})
	return id
}

// person adds somebody who has a password by now, and so grace by what opens later.
func (s *scene) person(organizationID, email string, change ...func(*account.Account)) account.Account {
	s.t.Helper()
	a := account.Account{Ref: account.Ref{Organization: organizationID}, Email: email, Name: "Hanako Sato", Phone: "03",
		Authority: account.GeneralUser, Language: phrase.English, Zone: "Asia/Tokyo"}
	for _, c := range change {
		c(&a)
	}
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		if a, err = account.Add(ctx, tx, s.Keys, a, "test"); err != nil {
			return err
		}
		return password.Set(ctx, tx, a.Ref, "$argon2id$none", password.Changed)
	})
	s.fold()
	return a
}

func (s *scene) people(organizationID string, n int) (list []account.Account) {
	s.t.Helper()
	s.in(func(ctx context.Context, tx *store.Tx) error {
		list = nil
		for range n {
			*s.numbers++
			a, err := account.Add(ctx, tx, s.Keys, account.Account{Ref: account.Ref{Organization: organizationID},
				Email: fmt.Sprintf("p%d@example.com", *s.numbers), Name: "Taro Abe", Phone: "03", Authority: account.GeneralUser,
				Language: phrase.English, Zone: "Asia/Tokyo"}, "test")
			if err != nil {
				return err
			}
			if err := password.Set(ctx, tx, a.Ref, "$argon2id$none", password.Changed); err != nil {
				return err
			}
			list = append(list, a)
		}
		return nil
	})
	s.fold()
	return list
}

func (s *scene) fold() {
	s.t.Helper()
	if _, err := progress.Fold(s.t.Context(), s.DB); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) plan(organizationID string, opens, ends time.Duration) (p rollout.Plan) {
	s.t.Helper()
	now := s.Clock.Now()
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		p, err = rollout.Save(ctx, tx, rollout.Plan{Organization: organizationID, Opens: now.Add(opens), Ends: now.Add(ends),
			Zone: "Asia/Tokyo", Reminders: rollout.Usual}, "kato")
		return err
	})
	return p
}

func (s *scene) change(p rollout.Plan, to func(*rollout.Plan)) (changed rollout.Plan) {
	s.t.Helper()
	to(&p)
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		changed, err = rollout.Change(ctx, tx, p, "kato")
		return err
	})
	return changed
}

func (s *scene) extend(p rollout.Plan, ref account.Ref, until time.Time) {
	s.t.Helper()
	s.in(func(ctx context.Context, tx *store.Tx) error {
		return rollout.Extend(ctx, tx, p.ID, ref, until, "asked", "kato")
	})
}

func (s *scene) enroll(a account.Account) {
	s.t.Helper()
	s.in(func(ctx context.Context, tx *store.Tx) error {
		return totp.Enroll(ctx, tx, s.Keys, a.Ref, make([]byte, 20), 1, 1)
	})
}

// run lets one node do what is due now.
func (s *scene) run() {
	s.t.Helper()
	if err := s.room.Run(s.t.Context(), s.Clock.Now()); err != nil {
		s.t.Fatal(err)
	}
}

// later lets time pass, all at once.
func (s *scene) later(d time.Duration) { s.Clock.Set(s.Clock.Now().Add(d)) }

// deliver sends what waits and answers to whom and with which subject, in order.
func (s *scene) deliver() (mails []string) {
	s.t.Helper()
	*s.sent = nil
	if err := s.post.Drain(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	for _, m := range *s.sent {
		local, _, _ := strings.Cut(m.To, "@")
		mails = append(mails, local+": "+m.Subject)
	}
	slices.Sort(mails)
	return mails
}

// rows are the reminders written so far, as "what holder", sorted.
func (s *scene) rows() (list []string) {
	s.t.Helper()
	rows, err := s.DB.Query(s.t.Context(), `select r.what, a.email from reminder r join account a on a.id = r.holder_id order by a.email, r.what`)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var what, email string
		if err := rows.Scan(&what, &email); err != nil {
			s.t.Fatal(err)
		}
		what, _, _ = strings.Cut(what, ":")
		local, _, _ := strings.Cut(email, "@")
		list = append(list, local+" "+what)
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	return list
}

func (s *scene) is(want ...string) {
	s.t.Helper()
	if got := s.rows(); !slices.Equal(got, want) {
		s.t.Errorf("at %s\nwritten %q\nwant    %q", s.Clock.Now().Format(time.RFC3339), got, want)
	}
}

func (s *scene) number(text string, args ...any) (n int64) {
	s.t.Helper()
	if err := s.DB.QueryRow(s.t.Context(), text, args...).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}
