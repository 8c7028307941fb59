package signin

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/limit"
	"nidan/internal/mailotp"
	"nidan/internal/notice"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/password"
	"nidan/internal/progress"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
)

// How fast passwords may be tried: soft counters that slow down and never lock the
// owner out. One network on one account is the usual attacker; the account alone
// is not asked of networks from which its owner has signed in.
var (
	perPair    = limit.Rate{Burst: 10, Every: 30 * time.Second}
	perNetwork = limit.Rate{Burst: 60, Every: 10 * time.Second}
	perAccount = limit.Rate{Burst: 50, Every: time.Minute}
)

// busyFor is what somebody is asked to wait when all hashing permits are taken.
const busyFor = 5 * time.Second

type signinView struct {
	page.View
	Email    string
	Operator bool
	Posted   []notice.Posted // notices for everybody
}

// attempt is one typed address and password, of one door.
type attempt struct {
	operator bool
	email    string
	key      string // canonical address
	password string
	network  string
	agent    string
}

func (s *Room) showSignin(w http.ResponseWriter, r *http.Request) error {
	v := session.Of(r.Context())
	if v.Session.ID != "" && (v.TwoStep || v.OneStep) {
		return page.See(w, "/")
	}
	return s.showFirst(w, r, http.StatusOK, "", nil)
}

func (s *Room) showFirst(w http.ResponseWriter, r *http.Request, status int, email string, faults []*fault.Fault) error {
	view, title := firstPage(r, email, faults)
	var err error
	if view.Posted, err = s.Board.Posted(r.Context(), session.Of(r.Context()).Policy, s.site.Speak(r), s.site.Now()); err != nil {
		return err
	}
	return s.page.Show(w, r, status, "signin", title, view)
}

// firstPage is the page of the first verification and its title.
func firstPage(r *http.Request, email string, faults []*fault.Fault) (*signinView, string) {
	view, title := &signinView{Email: email, Operator: forOperators(r)}, "signin.title"
	view.Faults, view.Stair = faults, 1
	if view.Operator {
		title = "signin.operator_title"
	}
	return view, title
}

func forOperators(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/operator/") }

func (s *Room) postSignin(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	a := attempt{operator: forOperators(r), network: session.Of(r.Context()).From, agent: r.UserAgent()}
	a.email = form.Need("email", "signin.email_missing")
	a.password = form.Secret("password", "signin.password_missing")
	if a.key = account.Key(a.email); a.key == "" && a.email != "" {
		form.Fault("email", "signin.email_shape")
	}
	if !form.OK() {
		return s.showFirst(w, r, http.StatusUnprocessableEntity, a.email, form.Faults())
	}
	return s.first(w, r, a)
}

// first is the first verification. The same is done for an address that nobody
// has: the same statements, one Argon2, the same answer.
func (s *Room) first(w http.ResponseWriter, r *http.Request, a attempt) error {
	if s.Pool.Full() {
		return s.busy(w, r, a)
	}
	ctx := r.Context()
	counters := s.keys(a)
	ref, kept, again, err := password.Lookup(ctx, s.db, s.Keys, a.key, s.Gate.Clock.Now(), counters)
	if err != nil {
		return err
	}
	if !again.IsZero() {
		if again, err = s.slowed(ctx, a, ref, counters); err != nil {
			return err
		}
	}
	if !again.IsZero() {
		return s.tooFast(w, r, a, again)
	}
	if ref.IsOperator() != a.operator || !s.mayEnter(ref) {
		kept = password.Kept{} // at the wrong door everybody is unknown
	}
	match, err := s.Pool.Verify(ctx, kept.Hash, a.password)
	switch {
	case errors.Is(err, password.ErrBusy):
		return s.busy(w, r, a)
	case ctx.Err() != nil: // whoever hangs up has made us hash all the same
		return errors.Join(err, s.spend(ctx, counters[:3]))
	case errors.Is(err, password.ErrUnreadable):
		s.log.Warn("a stored password cannot be read", "holder", ref.ID, "error", err.Error())
	case err != nil:
		return err
	}
	if !match.Right {
		return s.wrong(w, r, a, ref)
	}
	return s.right(w, r, a, ref, kept, match)
}

// mayEnter says whether an operator is on the list of the window that closes the
// portal now, if one does. Others are answered as strangers there.
func (s *Room) mayEnter(ref account.Ref) bool {
	if !ref.IsOperator() {
		return true
	}
	closed, _ := s.closedTo(ref)
	return !closed
}

// keys names the counters of an attempt. Addresses stand in them as digests.
// The first three count wrong passwords, the last right ones.
func (s *Room) keys(a attempt) [4]limit.Key {
	own, byNetwork := Slowing(s.Keys, a.key)
	return [4]limit.Key{
		{Name: byNetwork + a.network, Rate: perPair},
		{Name: "password:network:" + a.network, Rate: perNetwork},
		{Name: own, Rate: perAccount},
		password.Right(s.Keys, a.key, a.network),
	}
}

// Slowing names what slows down whoever types wrong passwords for an address: its
// own counter, and the beginning of the names of those of single networks.
func Slowing(keys *secret.Keys, emailKey string) (own, byNetwork string) {
	who := hex.EncodeToString(keys.Digest(secret.ForAddress, emailKey)[:16])
	return "password:account:" + who, "password:pair:" + who + ":"
}

// slowed asks again without the account's own counter where the owner is known to
// sign in from: a stranger who fills it elsewhere does not lock the owner out.
func (s *Room) slowed(ctx context.Context, a attempt, ref account.Ref, keys [4]limit.Key) (time.Time, error) {
	now := s.Gate.Clock.Now()
	known, err := session.Known(ctx, s.db, ref, a.network, now)
	if err != nil {
		return time.Time{}, err
	}
	if known {
		return limit.Peek(ctx, s.db, now, keys[0], keys[1], keys[3])
	}
	return limit.Peek(ctx, s.db, now, keys[:]...)
}

func (s *Room) tooFast(w http.ResponseWriter, r *http.Request, a attempt, again time.Time) error {
	now := s.Gate.Clock.Now()
	page.RetryAfter(w, now, again)
	wait := fault.Field("", "signin.too_fast", "wait", s.site.Speak(r).Span(again.Sub(now)))
	return s.showFirst(w, r, http.StatusTooManyRequests, a.email, []*fault.Fault{wait})
}

// busy refuses for now. Of ten who come nine may be refused, so nothing is read for their
// page, notices neither, and strangers are given the same one.
func (s *Room) busy(w http.ResponseWriter, r *http.Request, a attempt) error {
	now := s.Gate.Clock.Now()
	page.RetryAfter(w, now, now.Add(busyFor))
	view, title := firstPage(r, a.email, []*fault.Fault{fault.Field("", "signin.busy")})
	return s.refusal.Show(w, r, http.StatusServiceUnavailable, "signin", title, view, &view.Email)
}

// spend counts a try whose end nobody waited for.
func (s *Room) spend(ctx context.Context, counters []limit.Key) error {
	return s.db.Write(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Tx) error {
		return limit.Spend(ctx, tx, counters...)
	})
}

// wrong counts and records, before the answer leaves and whether or not anybody
// still waits for it.
func (s *Room) wrong(w http.ResponseWriter, r *http.Request, a attempt, ref account.Ref) error {
	// Whoever is typed, he waits in one line: of an address that nobody has all are recorded in one chain.
	err := s.db.WriteOf(context.WithoutCancel(r.Context()), organization.Operators, func(ctx context.Context, tx *store.Tx) error {
		counters := s.keys(a)
		if err := limit.Spend(ctx, tx, counters[:3]...); err != nil {
			return err
		}
		if err := s.alarm(ctx, tx); err != nil {
			return err
		}
		chain, subject := ref.Organization, ref.ID
		if ref.ID == "" {
			chain, subject = organization.Operators, "-"
		}
		return s.record(ctx, tx, audit.Entry{Chain: chain, Act: "account:password:refused", Subject: subject,
			Actor: audit.Actor{Kind: audit.KindStranger, ID: "-"}, Network: a.network})
	})
	if err != nil {
		return err
	}
	return s.showFirst(w, r, http.StatusUnprocessableEntity, a.email, []*fault.Fault{fault.Field("", "signin.wrong")})
}

// right begins the session, asks the rule in the same transaction, and goes where it says.
func (s *Room) right(w http.ResponseWriter, r *http.Request, a attempt, ref account.Ref, kept password.Kept, match password.Match) error {
	var token string
	var next asked
	before := session.Of(r.Context())
	err := s.db.WriteOf(r.Context(), ref.Organization, func(ctx context.Context, tx *store.Tx) error {
		err := limit.Spend(ctx, tx, password.Right(s.Keys, a.key, a.network))
		if err != nil {
			return err
		}
		if before.Session.ID != "" { // one browser, one session
			if err := session.End(ctx, tx, before.Ref, before.Session.ID, "signed in anew"); err != nil && !isNone(err) {
				return err
			}
		}
		if err := s.settle(ctx, tx, ref, kept, match, a.network); err != nil {
			return err
		}
		if token, _, err = session.Start(ctx, tx, ref, a.network, a.agent, ""); err != nil {
			return err
		}
		if err := s.Gate.ask(ctx, tx, &next, token, routeGate(a), s.Gate.Client(r), tx.Now); err != nil {
			return err
		}
		if next.step.Kind == Closed {
			return &fault.Fault{Kind: fault.Closed, Phrase: "signin.closed_meanwhile", Until: next.step.Until}
		}
		// A password that was changed while this one was being hashed no longer counts.
		if kept.ResetID == "" && (!next.passwordSet.Equal(kept.SetAt) || next.counts(tx.Now())) {
			return password.ErrMeanwhile
		}
		return s.begun(ctx, tx, a, &next, kept)
	})
	if f := fault.Of(err); f != nil && f.Kind == fault.Closed {
		return s.Gate.closed(w, r, s.Gate.Clock.Now(), f.Until)
	}
	if errors.Is(err, password.ErrMeanwhile) {
		return s.wrong(w, r, a, ref)
	}
	if err != nil {
		return err
	}
	if next.step.Method == account.MailOTP || kept.ResetID != "" { // else no letter was written
		s.Wake()
	}
	session.Give(w, s.site, token)
	if next.step.Kind == Refused || next.step.Kind == MustResetPassword {
		return s.Gate.showStep(w, r, next.step)
	}
	return page.See(w, pathOf(next.step))
}

// pathOf is the one place that names the page of a step.
func pathOf(step Step) string {
	switch step.Kind {
	case AskPassword:
		return "/signin"
	case AskCode:
		return "/signin/code"
	case MustEnroll:
		return "/setup"
	}
	return "/"
}

// settle stores what a right password brought to light: a newer hash, or a
// password kept aside that takes effect with this sign-in.
func (s *Room) settle(ctx context.Context, tx *store.Tx, ref account.Ref, kept password.Kept, match password.Match, network string) error {
	switch {
	case kept.ResetID != "":
		if match.Rehash != "" {
			kept.Hash = match.Rehash
		}
		return password.TakeEffect(ctx, tx, s.Keys, ref, kept, network)
	case match.Rehash != "":
		return password.Rehash(ctx, tx, ref, kept, match.Rehash)
	case kept.Foreign(): // made with our own cost already
		return password.Rehash(ctx, tx, ref, kept, kept.Hash)
	}
	return nil
}

// begun writes what goes with a begun sign-in: the record, the mark of a weak
// password, the code mail.
func (s *Room) begun(ctx context.Context, tx *store.Tx, a attempt, next *asked, kept password.Kept) error {
	entry := audit.Entry{Chain: next.Ref.Organization, Act: "account:password:accepted", Subject: next.Ref.ID,
		Actor: actor(next.Ref), Network: a.network, Detail: map[string]string{"next": stepNames[next.step.Kind]}}
	if err := s.record(ctx, tx, entry); err != nil {
		return err
	}
	if !kept.Weak && s.weak(a.password, next) {
		if err := password.MarkWeak(ctx, tx, next.Ref); err != nil {
			return err
		}
	}
	if next.step.Setup {
		if err := progress.Note(ctx, tx, next.Ref.Organization, next.Ref.ID, progress.Signed, ""); err != nil {
			return err
		}
	}
	if next.step.Kind != AskCode || next.step.Method != account.MailOTP {
		return nil
	}
	err := s.sendCode(ctx, tx, next.person, next.Session.ID, mailotp.SignIn, mailotp.IssueFirst)
	if f := fault.Of(err); f != nil && f.Kind == fault.TooSoon {
		return nil // the code page says that none was mailed
	}
	return err
}

func (s *Room) weak(typed string, next *asked) bool {
	person := password.Person{Email: next.person.Email, Name: next.person.Name, Organization: next.organization,
		Phone: next.person.Phone, Portal: s.site.Name}
	return password.Check(typed, password.Shortest, person) != password.None
}

func actor(ref account.Ref) audit.Actor {
	if ref.IsOperator() {
		return audit.Actor{Kind: audit.KindOperator, ID: ref.ID}
	}
	return audit.Actor{Kind: audit.KindAccount, ID: ref.ID}
}

func (s *Room) record(ctx context.Context, tx *store.Tx, entries ...audit.Entry) error {
	return audit.Record(ctx, tx, s.Keys, entries...)
}
