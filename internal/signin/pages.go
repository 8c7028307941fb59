package signin

import (
	"context"
	"embed"
	"log/slog"
	"net/http"
	"time"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/mail"
	"nidan/internal/mailotp"
	"nidan/internal/notice"
	"nidan/internal/page"
	"nidan/internal/password"
	"nidan/internal/route"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/verification"
)

//go:embed pages
var pageFiles embed.FS

// Words are this room's phrases.
//
//go:embed words
var Words embed.FS

// Needs is what the sign-in works with.
type Needs struct {
	Gate  *Gate
	Board *notice.Board // what stands on the sign-in page
	Keys  *secret.Keys
	Desk  *verification.Desk
	Pool  *password.Pool
	Wake  func() // tells the outbox that mail waits; after commits
}

// Room is the sign-in.
type Room struct {
	Needs
	db   *store.DB
	site *page.Site
	log  *slog.Logger
	page *page.Room

	refusal *page.Stamp // the page of whoever cannot be served now
}

// New reads the room's pages.
func New(n Needs) (*Room, error) {
	pages, err := n.Gate.Site.Room(pageFiles)
	if err != nil {
		return nil, err
	}
	n.Gate.room = pages
	return &Room{Needs: n, db: n.Gate.DB, site: n.Gate.Site, log: n.Gate.Log, page: pages, refusal: pages.Stamp()}, nil
}

// Routes are the room's lines of the route map.
func (s *Room) Routes() []route.Route {
	operators := route.Always // also in a window: who is not on its list is answered as a stranger
	return []route.Route{
		{Pattern: "GET /signin", Gate: route.Door, Serve: s.site.Serve(s.showSignin)},
		{Pattern: "POST /signin", Gate: route.Door, Serve: s.site.Serve(s.postSignin)},
		{Pattern: "GET /operator/signin", Gate: operators, Serve: s.site.Serve(s.showSignin)},
		{Pattern: "POST /operator/signin", Gate: operators, Serve: s.site.Serve(s.postSignin)},
		{Pattern: "GET /operator/start/{token}", Gate: operators, Serve: s.site.Serve(s.showStart)},
		{Pattern: "POST /operator/start/{token}", Gate: operators, Serve: s.site.Serve(s.postStart)},
		{Pattern: "GET /signin/code", Gate: route.CodeStep, Serve: s.site.Serve(s.showCode)},
		{Pattern: "POST /signin/code", Gate: route.CodeStep, Serve: s.site.Serve(s.postCode)},
		{Pattern: "POST /signout", Gate: route.Door, Serve: s.site.Serve(s.signOut)},
		{Pattern: "GET /confirm", Gate: route.SignedIn, Serve: s.site.Serve(s.showConfirm)},
		{Pattern: "POST /confirm", Gate: route.SignedIn, Serve: s.site.Serve(s.postConfirm)},
	}
}

func (s *Room) signOut(w http.ResponseWriter, r *http.Request) error {
	v := session.Of(r.Context())
	to := "/signin"
	if v.Session.ID != "" {
		if v.Operator() {
			to = "/operator/signin"
		}
		err := s.db.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
			if err := session.End(ctx, tx, v.Ref, v.Session.ID, "signed out"); err != nil && !isNone(err) {
				return err
			}
			return s.record(ctx, tx, v.Entry("account:session:ended", map[string]string{"why": "signed out"}))
		})
		if err != nil {
			return err
		}
	}
	session.Take(w, s.site)
	return page.See(w, to)
}

// issuer makes a code: mailotp.Issue, or for a session just begun IssueFirst.
type issuer func(ctx context.Context, tx *store.Tx, keys *secret.Keys, ref account.Ref, session string, door mailotp.Door, addressKey string) (string, time.Time, error)

// sendCode mails a new code for a door of this session. again is not zero when
// too many were mailed; then nothing was.
func (s *Room) sendCode(ctx context.Context, tx *store.Tx, person account.Account, sessionID string, door mailotp.Door, issue issuer) error {
	code, again, err := issue(ctx, tx, s.Keys, person.Ref, sessionID, door, person.EmailKey)
	if err != nil {
		return err
	}
	if !again.IsZero() {
		return fault.Wait(again, "signin.mails_enough")
	}
	say := s.site.Speaker(person.Language, person.Location())
	expires := tx.Now().Add(mailotp.Valid)
	return mail.Queue(ctx, tx, s.Keys, mail.Letter{
		Organization: person.Organization, Holder: person.ID, Lane: mail.Code, Kind: "code",
		To: person.Email, Language: person.Language, Expires: expires,
		Subject: say.T("signin.code_mail_subject", "portal", s.site.Name),
		Text: say.T("signin.code_mail_text", "name", person.Name, "portal", s.site.Name,
			"code", page.Group(4, code), "until", say.Zones.Clock(expires)),
	})
}
