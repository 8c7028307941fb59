package signin

import (
	"context"
	"net/http"
	"time"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/mail"
	"nidan/internal/mailotp"
	"nidan/internal/page"
	"nidan/internal/pass"
	"nidan/internal/rollout"
	"nidan/internal/route"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/totp"
	"nidan/internal/verification"
)

var stepNames = [...]string{"refused", "closed", "password", "reset", "code", "set-up", "admitted"}

// routeGate is the gate that a begun sign-in is judged by: an operator's page
// stays open in a window.
func routeGate(a attempt) route.Gate {
	if a.operator {
		return route.Always
	}
	return route.Door
}

type codeView struct {
	page.View
	Mailed  bool // a mailed code, not an app's
	Digits  int
	Address string // masked
	Sent    time.Time
	Again   time.Time // when the next mail may go, when none may now
	To      string    // /confirm: where to go on
	OneStep bool      // /confirm asks for the password
	None    bool      // no mailed code is open: it has to be asked for first
}

// view prepares the page that asks for a code at a door. After a code that was
// refused (again) the newest mail is not looked up once more.
func (s *Room) view(ctx context.Context, v *session.Visit, method account.Method, door mailotp.Door, again bool) (*codeView, error) {
	view := &codeView{Digits: totp.Digits}
	if method != account.MailOTP {
		return view, nil
	}
	view.Mailed, view.Digits, view.Address = true, mailotp.Digits, account.Mask(v.Person.Email)
	if again {
		return view, nil
	}
	open, err := mailotp.Waiting(ctx, s.db, v.Ref, v.Session.ID, door)
	switch {
	case isNone(err):
		view.None = true
	case err != nil:
		return nil, err
	default:
		view.Sent = open.Sent
	}
	return view, nil
}

func (s *Room) showCode(w http.ResponseWriter, r *http.Request) error {
	return s.showSecond(w, r, http.StatusOK, nil, "")
}

func (s *Room) showSecond(w http.ResponseWriter, r *http.Request, status int, faults []*fault.Fault, notice string) error {
	v := session.Of(r.Context())
	view, err := s.view(r.Context(), v, v.Asks, mailotp.SignIn, len(faults) > 0)
	if err != nil {
		return err
	}
	view.Faults, view.Stair = faults, 2
	if notice != "" {
		view.Notice = s.site.Speak(r).T(notice)
	}
	return s.page.Show(w, r, status, "code", "signin.code_title", view)
}

func (s *Room) postCode(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	method := session.Of(r.Context()).Asks
	if form.Text("act") == "send" {
		return s.resend(w, r, method)
	}
	code := form.Code("code", digits(method), "signin.code_missing")
	if !form.OK() {
		return s.showSecond(w, r, http.StatusUnprocessableEntity, form.Faults(), "")
	}
	return s.second(w, r, method, code)
}

func digits(method account.Method) int {
	if method == account.MailOTP {
		return mailotp.Digits
	}
	return totp.Digits
}

// resend mails a new code to whoever waits for one.
func (s *Room) resend(w http.ResponseWriter, r *http.Request, method account.Method) error {
	v := session.Of(r.Context())
	if method != account.MailOTP {
		return page.See(w, "/signin/code")
	}
	err := s.db.WriteOf(r.Context(), v.Ref.Organization, func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		return s.sendCode(ctx, tx, v.Person, v.Session.ID, mailotp.SignIn, mailotp.Issue)
	})
	if f := fault.Of(err); f != nil && f.Kind == fault.TooSoon {
		return s.showSecond(w, r, http.StatusTooManyRequests, s.later(w, r, f.Until, f.Phrase), "")
	}
	if err != nil {
		return err
	}
	s.Wake()
	return page.See(w, "/signin/code")
}

// later is a fault that says from when, with Retry-After set.
func (s *Room) later(w http.ResponseWriter, r *http.Request, until time.Time, phrase string) []*fault.Fault {
	page.RetryAfter(w, s.Gate.Clock.Now(), until)
	say := s.site.Speak(r)
	return []*fault.Fault{fault.Field("", phrase, "until", say.Zones.Clock(until))}
}

// second is the second verification.
func (s *Room) second(w http.ResponseWriter, r *http.Request, method account.Method, code string) error {
	v := session.Of(r.Context())
	outcome, token, err := s.prove(r.Context(), v, verification.SignIn, method, code)
	if err != nil {
		return s.closedOr(w, r, err)
	}
	if outcome.Verdict != verification.Right || outcome.Enrolled { // else no letter was written
		s.Wake()
	}
	if outcome.Verdict != verification.Right {
		return s.refuseCode(w, r, outcome, s.showSecond)
	}
	session.Give(w, s.site, token)
	return page.See(w, "/") // the gate sends on to whatever comes next
}

// prove tries a code and, when it is right, lets the session rise, in one
// transaction. A refusal is committed as well: it is counted before it is told.
func (s *Room) prove(ctx context.Context, v *session.Visit, door verification.Door, method account.Method, code string) (o verification.Outcome, token string, err error) {
	err = s.db.WriteOf(ctx, v.Ref.Organization, func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		o, err = s.Desk.Prove(ctx, tx, verification.Attempt{Ref: v.Ref, Person: v.Person, Session: v.Session.ID,
			Door: door, Method: method, Code: code, Network: v.From})
		if err != nil || o.Verdict != verification.Right {
			return err
		}
		if token, err = session.Rise(ctx, tx, v.Session, method); err != nil {
			return err
		}
		if o.Enrolled {
			if err := s.enrolled(ctx, tx, v); err != nil {
				return err
			}
		}
		return s.record(ctx, tx, v.Entry("account:code:accepted", map[string]string{"door": string(door), "method": string(method)}))
	})
	return o, token, err
}

// enrolled finishes what the first right code of an assigned MailOTP finishes:
// grace, for ever, every pass and guide, and all other sessions. The owner is told.
func (s *Room) enrolled(ctx context.Context, tx *store.Tx, v *session.Visit) error {
	if err := rollout.FinishGrace(ctx, tx, s.Keys, v.Person, "enrolled", v.Ref.ID); err != nil {
		return err
	}
	if err := pass.Withdraw(ctx, tx, v.Ref); err != nil {
		return err
	}
	if _, err := session.EndAll(ctx, tx, v.Ref, v.Session.ID, "enrolled"); err != nil {
		return err
	}
	say := s.site.Speaker(v.Person.Language, v.Person.Location())
	err := mail.Queue(ctx, tx, s.Keys, mail.Letter{
		Organization: v.Ref.Organization, Holder: v.Ref.ID, Lane: mail.Notice, Kind: "method-enrolled",
		To: v.Person.Email, Language: v.Person.Language, Subject: say.T("signin.enrolled_subject", "portal", s.site.Name),
		Text: say.T("signin.enrolled_text", "name", v.Person.Name, "portal", s.site.Name, "when", say.Moment(tx.Now()), "where", v.From),
	})
	if err != nil {
		return err
	}
	return s.record(ctx, tx, v.Entry("account:method:enrolled", map[string]string{"method": string(account.MailOTP)}))
}

// closedOr answers with the window's page when one opened while this request waited.
func (s *Room) closedOr(w http.ResponseWriter, r *http.Request, err error) error {
	if f := fault.Of(err); f != nil && f.Kind == fault.Closed {
		return s.Gate.closed(w, r, s.Gate.Clock.Now(), f.Until)
	}
	return err
}

type shower func(w http.ResponseWriter, r *http.Request, status int, faults []*fault.Fault, notice string) error

// refuseCode answers a code that was not accepted.
func (s *Room) refuseCode(w http.ResponseWriter, r *http.Request, o verification.Outcome, show shower) error {
	say, now := s.site.Speak(r), s.Gate.Clock.Now()
	if o.Ended {
		session.Take(w, s.site)
		return s.ended(w, r)
	}
	field := func(phrase string, args ...any) []*fault.Fault {
		return []*fault.Fault{fault.Field("code", phrase, args...)}
	}
	switch o.Verdict {
	case verification.Waiting:
		page.RetryAfter(w, now, o.Until)
		return show(w, r, http.StatusTooManyRequests, field("signin.code_waiting", "wait", say.Span(o.Until.Sub(now))), "")
	case verification.Stopped:
		return s.Gate.showStep(w, r, Step{Kind: MustResetPassword})
	case verification.Spent:
		return show(w, r, http.StatusUnprocessableEntity, field("signin.code_spent"), "")
	case verification.Expired:
		return show(w, r, http.StatusUnprocessableEntity, field("signin.code_expired", "n", o.Left), "")
	case verification.Late:
		phrase := "signin.clock_behind"
		if o.Off > 0 {
			phrase = "signin.clock_ahead"
		}
		works := o.WorksAt
		if works.Before(now) {
			works = now
		}
		return show(w, r, http.StatusUnprocessableEntity, field(phrase, "off", say.Span(o.Off.Abs()), "works", works.In(s.site.House).Format("15:04:05 MST"), "n", o.Left), "")
	case verification.Wrong:
		phrase := "signin.code_wrong"
		if session.Of(r.Context()).Asks == account.MailOTP {
			phrase = "signin.mail_code_wrong"
		}
		return show(w, r, http.StatusUnprocessableEntity, field(phrase, "n", o.Left), "")
	}
	return fault.New(fault.Refused, "signin.changed_meanwhile")
}

// ended tells that five wrong codes ended the sign-in.
func (s *Room) ended(w http.ResponseWriter, r *http.Request) error {
	way := "/signin"
	if session.Of(r.Context()).Operator() {
		way = "/operator/signin"
	}
	r = r.WithContext(page.WithChrome(r.Context(), page.Chrome{})) // nobody is signed in any more
	return s.page.Show(w, r, http.StatusForbidden, "refused", "signin.ended_title",
		&refusedView{Reason: "signin.ended", Way: way, Name: "signin.start_again"})
}
