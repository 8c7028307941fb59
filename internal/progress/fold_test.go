package progress

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// town is an organization with people to whom things happen: in the real rows, in
// what is noted, and in a model that is counted by hand.
type town struct {
	storetest.World
	tb     testing.TB
	id     string
	people []*somebody
	at     time.Time
}

// somebody is one person of the model.
type somebody struct {
	id                    string
	suspended             bool
	told, signed, started bool
	enrolledAt            time.Time // for the first time
	method                string
}

func found(tb testing.TB, w storetest.World) *town {
	tb.Helper()
	o := &town{World: w, tb: tb, id: secret.ID(), at: storetest.Start}
	o.do(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `insert into organization (id, name, name_key, created_at) values ($1, $2, $3, 1)`, o.id, "Town "+o.id, o.id)
		return err
	})
	return o
}

func (o *town) do(do func(ctx context.Context, tx *store.Tx) error) {
	o.tb.Helper()
	if err := o.DB.Write(context.Background(), do); err != nil {
		o.tb.Fatal(err)
	}
}

// run changes one row as a deed would.
func (o *town) run(text string, args ...any) {
	o.tb.Helper()
	o.do(func(ctx context.Context, tx *store.Tx) error { _, err := tx.Exec(ctx, text, args...); return err })
}

// note is Note at the town's own time.
func (o *town) note(who string, what What, method string) {
	o.tb.Helper()
	o.run(`insert into progress_event (id, organization_id, holder_id, what, method, at) values ($1, $2, $3, $4, $5, $6)`,
		secret.ID(), o.id, who, string(what), method, store.Micros(o.at))
}

func (o *town) come() *somebody {
	o.tb.Helper()
	p := &somebody{id: secret.ID()}
	o.do(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `insert into address (address_key, organization_id, holder_id) values ($1, $2, $3)`, p.id, o.id, p.id)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into account (id, organization_id, email, email_key, address_digest, name, phone, authority, method,
				method_by, method_at, preset, language, time_zone, job_title, mobile, network_check, created_at)
			values ($1, $2, $3, $4, $5, 'Hanako', '03', 'general_user', 'totp', 'test', 1, '', 'en', 'UTC', '', '', false, 1)`,
			p.id, o.id, p.id, p.id, []byte(p.id))
		return err
	})
	o.note(p.id, Came, "")
	o.people = append(o.people, p)
	return p
}

// happen does one thing, if it can happen now; the method not proved last goes, as
// the set-up does it.
func (o *town) happen(p *somebody, what What, method string) {
	o.tb.Helper()
	o.at = o.at.Add(17 * time.Minute)
	switch what {
	case Left:
		if p.suspended {
			return
		}
		p.suspended = true
		o.run(`update account set suspended_at = $1 where organization_id = $2 and id = $3`, store.Micros(o.at), o.id, p.id)
	case Returned:
		if !p.suspended {
			return
		}
		p.suspended = false
		o.run(`update account set suspended_at = null where organization_id = $1 and id = $2`, o.id, p.id)
	case Told:
		p.told = true
	case Signed:
		p.signed = true
	case Started:
		p.signed, p.started = true, true
	case Enrolled:
		p.signed, p.started, p.method = true, true, method
		if p.enrolledAt.IsZero() {
			p.enrolledAt = o.at
		}
		other := map[string]string{byApp: mailed, mailed: byApp}[method]
		o.run(`delete from `+other+` where organization_id = $1 and holder_id = $2`, o.id, p.id)
		o.run(`delete from `+method+` where organization_id = $1 and holder_id = $2`, o.id, p.id)
		if method == byApp {
			o.run(`insert into totp (organization_id, holder_id, secret, enrolled_at, last_step, epoch) values ($1, $2, $3, $4, 0, 0)`,
				o.id, p.id, []byte("x"), store.Micros(o.at))
		} else {
			o.run(`insert into mailotp (organization_id, holder_id, enrolled_at) values ($1, $2, $3)`, o.id, p.id, store.Micros(o.at))
		}
	}
	o.note(p.id, what, method)
}

// byHand is what the figures must be.
func (o *town) byHand() (f Figures, enrolled map[time.Time]int64) {
	enrolled = map[time.Time]int64{}
	for _, p := range o.people {
		if p.suspended {
			continue
		}
		one := Figures{Accounts: 1}
		if p.told {
			one.Told = 1
		}
		if p.signed {
			one.Signed = 1
		}
		if p.started {
			one.Started = 1
		}
		switch p.method {
		case byApp:
			one.TOTP = 1
		case mailed:
			one.MailOTP = 1
		}
		if p.method != "" {
			enrolled[p.enrolledAt.Truncate(time.Hour)]++
		}
		f = f.Plus(one)
	}
	return f, enrolled
}

// noted are the ids of what was not folded yet.
func (o *town) noted() []string {
	o.tb.Helper()
	ids, err := texts(o.DB.Query(context.Background(), `select id from progress_event where organization_id = $1 order by id`, o.id))
	if err != nil {
		o.tb.Fatal(err)
	}
	return ids
}

// foldPieces folds ids in any order by two folders at once, each of which is handed
// every piece.
func (o *town) foldPieces(ids []string, seed uint64) {
	o.tb.Helper()
	chance := rand.New(rand.NewPCG(seed, 1))
	chance.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	var pieces [][]string
	for len(ids) > 0 {
		n := 1 + chance.IntN(len(ids))
		pieces, ids = append(pieces, ids[:n]), ids[n:]
	}
	var both sync.WaitGroup
	for folder := range 2 {
		both.Go(func() {
			for i := range pieces {
				piece := pieces[(i+folder*len(pieces)/2)%len(pieces)]
				err := o.DB.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
					_, err := fold(ctx, tx, piece)
					return err
				})
				if err != nil {
					o.tb.Errorf("fold: %v", err)
				}
			}
		})
	}
	both.Wait()
}

var happenings = []struct {
	what   What
	method string
}{{Left, ""}, {Returned, ""}, {Told, ""}, {Signed, ""}, {Started, ""}, {Enrolled, byApp}, {Enrolled, mailed}}

func TestWhateverHappensInWhateverOrderAddsUpToTheRows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		rounds := 0
		rapid.Check(t, func(rt *rapid.T) {
			if rounds++; rounds > 25 { // each is some hundred transactions
				return
			}
			o := found(t, w)
			for range rapid.IntRange(1, 4).Draw(rt, "people") {
				o.come()
			}
			for range rapid.IntRange(1, 3).Draw(rt, "rounds") {
				for range rapid.IntRange(0, 12).Draw(rt, "happenings") {
					h := rapid.SampledFrom(happenings).Draw(rt, "what")
					o.happen(rapid.SampledFrom(o.people).Draw(rt, "who"), h.what, h.method)
				}
				ids := o.noted()
				rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "some"), 2)).Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
				o.foldPieces(ids[:rapid.IntRange(0, len(ids)).Draw(rt, "folded")], rapid.Uint64().Draw(rt, "pieces"))
			}
			o.foldPieces(o.noted(), rapid.Uint64().Draw(rt, "pieces"))
			o.agrees(rt)
		})
		if rounds < 25 {
			t.Errorf("only %d histories", rounds)
		}
		clean(t, w)
	})
}

// agrees compares what is kept with the model.
func (o *town) agrees(rt *rapid.T) {
	course, err := ReadCourse(context.Background(), o.DB, o.id)
	if err != nil {
		rt.Fatal(err)
	}
	want, hours := o.byHand()
	if course.Now != want {
		rt.Fatalf("kept %+v, by hand %+v", course.Now, want)
	}
	for _, h := range course.Hours {
		if h.Enrolled() != hours[h.At] {
			rt.Fatalf("in the hour from %s %d are kept, by hand %d", h.At, h.Enrolled(), hours[h.At])
		}
		delete(hours, h.At)
	}
	if len(hours) > 0 {
		rt.Fatalf("no hour is kept for %v", hours)
	}
}

func clean(t *testing.T, w storetest.World) {
	t.Helper()
	found, err := Recount(t.Context(), w.DB, false, nil)
	if err != nil || found.Different != 0 {
		t.Errorf("the recount finds %d differences, %v: %v", found.Different, err, found.First)
	}
}

func TestTwoNodesFoldAtOnceAndEachThingIsAddedUpOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		o := found(t, w)
		for range 30 {
			o.happen(o.come(), Enrolled, byApp)
		}
		var both sync.WaitGroup
		var folded [2]int
		for i := range folded {
			both.Go(func() {
				var err error
				if folded[i], err = Fold(context.Background(), w.DB); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		f, err := Of(t.Context(), w.DB, o.id)
		if err != nil || folded[0]+folded[1] != 60 || f != (Figures{Accounts: 30, Signed: 30, Started: 30, TOTP: 30}) {
			t.Errorf("%d and %d folded: %+v, %v", folded[0], folded[1], f, err)
		}
		clean(t, w)
	})
}

func TestOfOperatorsNothingIsNoted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return Note(ctx, tx, "operators", "olga", Enrolled, byApp)
		})
		if n, foldErr := Fold(t.Context(), w.DB); err != nil || foldErr != nil || n != 0 {
			t.Error(n, err, foldErr)
		}
	})
}

// spoilings are rows that somebody's hand, or a fault of ours, could leave wrong.
var spoilings = []struct{ name, text, says string }{
	{"a sum", `update progress set totp = totp + 1 where organization_id = $1`, "TOTP is kept as 2, counted 1"},
	{"a sum that is lost", `delete from progress where organization_id = $1`, "accounts is kept as 0, counted 3"},
	{"an hour", `update progress_hour set mailotp = mailotp + 4 where organization_id = $1 and mailotp = 1`, "MailOTP is kept as 5, counted 1"},
	{"hours that are lost", `delete from progress_hour where organization_id = $1`, "is kept as 0, counted 1"},
	{"a person's row", `delete from progress_person where organization_id = $1 and method = 'totp'`, "standing is kept as not known, counted stands"},
	{"a method", `update progress_person set method = 'totp' where organization_id = $1 and method = 'mailotp'`, "method proved is kept as totp, counted mailotp"},
	{"an account suspended past us", `update account set suspended_at = 7 where organization_id = $1 and suspended_at is null`, "standing is kept as stands, counted gone"},
	{"an account that is back past us", `update account set suspended_at = null where organization_id = $1`, "standing is kept as gone, counted stands"},
	{"a method removed past us", `delete from totp where organization_id = $1`, "method proved is kept as totp, counted none"},
	{"accounts removed past us", `delete from account where organization_id = $1`, "standing is kept as stands, counted gone"},
}

func TestTheRecountNamesWhatDiffersAndRepairsIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		for _, spoil := range spoilings {
			o := found(t, w)
			app, mail, gone := o.come(), o.come(), o.come()
			o.come()
			o.happen(app, Enrolled, byApp)
			o.happen(mail, Enrolled, mailed)
			o.happen(gone, Left, "")
			if _, err := Fold(t.Context(), w.DB); err != nil {
				t.Fatal(err)
			}
			clean(t, w)
			o.run(spoil.text, o.id)
			o.happen(mail, Told, "") // noted, and not folded yet
			for _, repair := range []bool{false, true} {
				found, err := Recount(t.Context(), w.DB, repair, nil)
				if err != nil || !says(found.First, spoil.says) || found.Repaired != repair {
					t.Errorf("%s: %v, %+v", spoil.name, err, found)
				}
			}
			clean(t, w)
		}
	})
}

func says(list []Difference, text string) bool {
	for _, d := range list {
		if got := fmt.Sprintf("%s is kept as %s, counted %s", d.What, d.Kept, d.Counted); got == text ||
			text[:3] == "is " && fmt.Sprintf("is kept as %s, counted %s", d.Kept, d.Counted) == text {
			return true
		}
	}
	return false
}

func TestTheRecountHoldsThePortalsHoursAgainstItsOrganizations(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		o := found(t, w)
		o.happen(o.come(), Enrolled, byApp)
		if _, err := Fold(t.Context(), w.DB); err != nil {
			t.Fatal(err)
		}
		o.run(`update progress_hour set totp = 9 where organization_id = ''`)
		found, err := Recount(t.Context(), w.DB, true, nil)
		if err != nil || found.Different != 1 || found.First[0].String() !=
			"the portal, hour from 2018-03-10T03:00:00Z: TOTP is kept as 9, counted 1" {
			t.Errorf("%v, %+v", err, found)
		}
		clean(t, w)
	})
}

func TestOfManyDifferencesTheFirstAreNamedAndAllAreCounted(t *testing.T) {
	var r Recounted
	for range 7 {
		r.add(make([]Difference, 30))
	}
	if r.Different != 210 || len(r.First) != named {
		t.Errorf("%d counted, %d named", r.Different, len(r.First))
	}
}
