package rehearsal

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/rollout"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func sortLines(lines []string) { slices.Sort(lines) }

// Whoever adds a column decides whether a rehearsal's copy may hold it.
func TestEveryColumnIsCopiedBlankedOrLeftOutByName(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		tables := schema(t, w.DB, w.DB.Engine())
		if len(tables) < 30 {
			t.Fatalf("%d tables: the test is blind", len(tables))
		}
		shared := map[string]bool{}
		for _, share := range Shares {
			shared[share.Table] = true
			names := slices.Clone(share.Columns)
			for name := range share.Blank {
				names = append(names, name)
			}
			slices.Sort(names)
			is := slices.Sorted(slices.Values(tables[share.Table]))
			if !slices.Equal(names, is) {
				t.Errorf("%s: Shares has %v, the schema %v", share.Table, names, is)
			}
			if slices.Contains(is, "organization_id") != (share.Scope == "organization_id") {
				t.Errorf("%s: its scope is %q", share.Table, share.Scope)
			}
		}
		for table := range tables {
			if why := LeftOut[table]; shared[table] == (why != "") {
				t.Errorf("%s: neither or both of Shares and LeftOut name it", table)
			}
		}
		for table := range LeftOut {
			if tables[table] == nil {
				t.Errorf("%s is left out, and there is no such table", table)
			}
		}
	})
}

// Whatever can hold a secret is blanked or left out.
func TestNoSecretStandsInTheCopy(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := stage(t, w)
		a := s.person(admin)
		s.enroll(a)
		b := s.person()
		p := s.plan("", day, 60*day)
		s.extend(p, b, s.Clock.Now().Add(70*day))
		s.secrets(a)
		var sealed []byte
		if err := s.DB.QueryRow(t.Context(), `select secret from totp`).Scan(&sealed); err != nil {
			t.Fatal(err)
		}
		looked := false
		tell := func(step Step, _ int64) error {
			if step != Asking || looked {
				return nil
			}
			looked = true
			s.search(sealed)
			return nil
		}
		if _, err := Play(t.Context(), s.DB, Stage{Site: s.room.Site, Tell: tell}, p.ID, s.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		if !looked {
			t.Error("the copy was never looked into")
		}
		if left := s.left(); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
}

// search looks through the bytes of the copy.
func (s *scene) search(sealed []byte) {
	s.t.Helper()
	names, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), folderName+"*", "*"))
	if err != nil || len(names) < 2 {
		s.t.Fatalf("%q %v", names, err)
	}
	var all []byte
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != 0o600 {
			s.t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, text...)
	}
	if info, err := os.Stat(filepath.Dir(names[0])); err != nil || info.Mode().Perm() != 0o700 {
		s.t.Errorf("the folder: %v %v", info.Mode(), err)
	}
	if !bytes.Contains(all, []byte("p1@example.com")) {
		s.t.Error("no address is there: the search is blind")
	}
	for what, secret := range map[string][]byte{"hash": []byte(theHash), "phone": []byte(thePhone), "reason": []byte(theReason),
		"letter": []byte(theLetter), "token": []byte(theToken), "digest": secret.Digest(theToken), "secret": s.secret, "sealed secret": sealed} {
		if bytes.Contains(all, secret) {
			s.t.Errorf("the copy holds the %s", what)
		}
	}
}

func TestARehearsalChangesNothingOfItsSource(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := stage(t, w)
		a := s.person(admin)
		s.enroll(a)
		s.person(japanese)
		p := s.plan("", day, 60*day)
		s.secrets(a)
		before := dump(t, s.DB)
		if !strings.Contains(before, "progress_event") {
			t.Fatal("nothing waits to be folded: the test is blind")
		}
		s.play(p)
		if after := dump(t, s.DB); after != before {
			t.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
		s.visit("POST", "/operator/rollouts/"+p.ID+"/rehearsal")
		before = dump(t, s.DB, "rehearsal")
		if err := s.room.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		if after := dump(t, s.DB, "rehearsal"); after != before {
			t.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
	})
}

func (r Report) at(what What, n int) Instant {
	for _, i := range r.Instants {
		if slices.Contains(i.Marks, Mark{what, n}) {
			return i
		}
	}
	return Instant{}
}

func TestTheRolloutIsPlayedFromInstantToInstant(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := stage(t, w)
		now := s.Clock.Now()
		s.enroll(s.person(admin))
		late := s.person()
		s.person(japanese)
		mailed := s.person()
		s.in(func(ctx context.Context, tx *store.Tx) error {
			return account.Assign(ctx, tx, mailed.Ref, account.MailOTP, "test")
		})
		other := s.org
		s.org = s.organization("Brennhof")
		s.person(admin)
		s.org = other
		p := s.plan("", day, 60*day)
		s.extend(p, late, p.Ends.Add(10*day))
		s.window(p.Opens, p.Opens.Add(5*time.Hour))
		s.later(time.Hour)
		s.in(func(ctx context.Context, tx *store.Tx) error { // has no password yet
			_, err := account.Add(ctx, tx, s.Keys, account.Account{Ref: account.Ref{Organization: s.org}, Email: "new@example.com", Name: "New",
				Phone: "03", Authority: account.GeneralUser, Language: "en", Zone: "Asia/Tokyo"}, "test")
			return err
		})
		r := s.play(p)
		if r.From != now.Add(time.Hour) || r.Accounts != 6 || r.Disagree != 0 || r.Version != 1 || r.Copied == 0 {
			t.Errorf("%+v", r)
		}
		for _, c := range []struct {
			what What
			n    int
			want Doors
		}{
			{Now, 0, Doors{OneStep: 4, App: 1, NoPassword: 1}},
			{WindowOpens, 0, Doors{Closed: 6}},
			{WindowCloses, 0, Doors{Setup: 4, App: 1, NoPassword: 1}},
			{Reminds, 28, Doors{Setup: 4, App: 1, NoPassword: 1}},
			{LastHour, 0, Doors{Setup: 4, App: 1, NoPassword: 1}},
			{LastSecond, 0, Doors{Setup: 4, App: 1, NoPassword: 1}},
			{Ends, 0, Doors{Setup: 1, App: 1, Mail: 1, Ended: 2, NoPassword: 1}},
			{OwnEnds, 1, Doors{App: 1, Mail: 1, Ended: 3, NoPassword: 1}},
			{Last, 0, Doors{App: 1, Mail: 1, Ended: 3, NoPassword: 1}},
		} {
			if got := r.at(c.what, c.n).Doors; got != c.want {
				t.Errorf("%s %d: %+v, wanted %+v", c.what, c.n, got, c.want)
			}
		}
		// four are written to: at the window's close, then on five days before the own end
		if got := r.at(WindowCloses, 0).Letters; got != 4 {
			t.Errorf("%d letters when the window closes: %+v", got, r.Letters)
		}
		en, ja := 0, 0
		for _, l := range r.Letters {
			en, ja = en+l.EN, ja+l.JA
		}
		if en != 18 || ja != 6 {
			t.Errorf("%d in English, %d in Japanese: %+v", en, ja, r.Letters)
		}
		o := r.Outcome
		if o.People != 2 || o.ByMail != 1 || o.Later != 1 || o.Headless != 1 || r.Struck != 2 {
			t.Errorf("%+v", o)
		}
		if f := r.Findings; len(f) != 2 || f[0] != (Finding{Kind: Headless, Grave: Warn, N: 1}) || f[1].Kind != Pace || f[1].N != 4 {
			t.Errorf("%+v", f)
		}
	})
}

func (s *scene) later(d time.Duration) { s.Clock.Set(s.Clock.Now().Add(d)) }

func TestOneOrganizationsRolloutIsRehearsedWithItsPeopleAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := stage(t, w)
		s.person()
		mine := s.org
		s.org = s.organization("Brennhof")
		s.person()
		s.person()
		p := s.plan(mine, day, 60*day)
		if r := s.play(p); r.Accounts != 1 || r.Outcome.People != 1 || r.Scope != "Aozora" || r.Disagree != 0 {
			t.Errorf("%+v", r)
		}
	})
}

// The check would see a forecast that is not the rule's.
func TestADifferenceBetweenForecastAndRuleIsFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := stage(t, w)
		a := s.person()
		s.person()
		p := s.plan("", day, 60*day)
		s.play(p)
		s.exec(`delete from progress_event`) // what the forecast is made from is lost
		r := s.play(p)
		if r.Disagree != 2 || len(r.Findings) == 0 || r.Findings[0].Kind != Mismatch || r.Findings[0].Grave != Error {
			t.Errorf("%d %+v %v", r.Disagree, r.Findings, a.ID)
		}
	})
}

func TestWhoIsNotWrittenToInTimeIsFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := stage(t, w)
		lost := s.person()
		s.person()
		p := s.plan("", -time.Minute, 2*day)
		s.exec(`update password set first_at = 1`)
		s.exec(`insert into undeliverable (organization_id, holder_id, recipient, source, status, words, since_at, latest_at, mails)
			values ($1, $2, $3, 'dialogue', '550', $4, 1, $5, 1)`, lost.Organization, lost.ID, lost.Email, theReason, store.Micros(s.Clock.Now().Add(3*day)))
		r := s.play(p)
		got := map[Kind]int{}
		for _, f := range r.Findings {
			got[f.Kind] = f.N
		}
		if got[Unreachable] != 1 || got[Unwritten] != 1 || got[Late] != 1 || got[Headless] != 1 {
			t.Errorf("%+v", r.Findings)
		}
	})
}

func TestAWindowOverTheEndOrAReminderIsFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := stage(t, w)
		s.enroll(s.person(admin))
		p := s.plan("", day, 60*day)
		s.window(p.Ends.Add(-time.Hour), p.Ends)
		at := rollout.Before(p.Ends, 7, s.room.Site.House)
		s.window(at.Add(-time.Hour), at.Add(time.Hour))
		var kinds []Kind
		for _, f := range s.play(p).Findings {
			kinds = append(kinds, f.Kind)
		}
		slices.Sort(kinds)
		if !slices.Equal(kinds, []Kind{WindowEnd, WindowReminder}) {
			t.Errorf("%v", kinds)
		}
	})
}

func TestABrokenOffRehearsalLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := stage(t, w)
		s.person()
		p := s.plan("", day, 60*day)
		for _, step := range []Step{Copying, Playing, Asking} {
			ctx, cancel := context.WithCancel(t.Context())
			_, err := Play(ctx, s.DB, Stage{Site: s.room.Site, Tell: func(at Step, _ int64) error {
				if at == step {
					cancel()
				}
				return nil
			}}, p.ID, s.Clock.Now())
			if step != Asking && !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", step, err)
			}
			if left := s.left(); len(left) > 0 {
				t.Errorf("%s: left behind: %q", step, left)
			}
			cancel()
		}
	})
}

func TestWhatADeadProcessLeftIsSweptAndALivingOneKept(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dead, err := newFolder()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dead.file(), []byte("copy"), 0o600); err != nil {
		t.Fatal(err)
	}
	_ = dead.lock.Close() // as the system does for a process that dies
	alive, err := newFolder()
	if err != nil {
		t.Fatal(err)
	}
	if n, err := Sweep(); n != 1 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	if _, err := os.Stat(dead.path); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, err := os.Stat(alive.path); err != nil {
		t.Error(err)
	}
	if err := alive.remove(); err != nil {
		t.Error(err)
	}
}

func TestThereIsNothingToRehearseOfWhatIsNotPlanned(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := stage(t, w)
		gone := s.plan("", day, 60*day)
		s.in(func(ctx context.Context, tx *store.Tx) error { return rollout.Withdraw(ctx, tx, gone, "test") })
		over := s.plan(s.org, -60*day, -day)
		for id, phrase := range map[string]string{"none": "rehearsal.unknown", gone.ID: "rehearsal.withdrawn", over.ID: "rehearsal.over"} {
			_, err := Play(t.Context(), s.DB, Stage{Site: s.room.Site}, id, s.Clock.Now())
			if f := fault.Of(err); f == nil || f.Phrase != phrase {
				t.Errorf("%s: %v", phrase, err)
			}
		}
	})
}
