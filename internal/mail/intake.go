package mail

import (
	"context"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/emersion/go-smtp"

	"nidan/internal/store"
)

// Bounds of a mail that comes in.
const (
	intakeBytes   = 1 << 20
	intakeLine    = 64 << 10
	intakeTime    = time.Minute
	intakeReaders = 20 // recipients of one mail
	intakeAtOnce  = 8  // mails held in memory by one node
)

// Arrived is a mail that came in, whole, with its envelope.
type Arrived struct {
	Sender  string // who gets what cannot be delivered; empty: nobody, as of a bounce
	To      string
	Content []byte
}

// Box is where mail to some addresses goes.
type Box struct {
	Takes func(address string) bool
	Most  int64 // bytes of a mail to it; 0: as many as a bounce has
	// Take gets a mail whole, as it came. An error has the server that brought it
	// try again later; what can never be read is no error.
	Take func(ctx context.Context, a Arrived) error
}

func (b *Box) most() int64 { return max(b.Most, intakeBytes) }

// Intake takes mail from the local mail server by LMTP (RFC 2033), for its boxes
// and nobody else. Nothing of a mail is logged.
type Intake struct {
	Boxes []Box
	Log   *slog.Logger

	slots chan struct{} // one for each mail in memory
}

// Serve answers on a listener until ctx ends.
func (in *Intake) Serve(ctx context.Context, listener net.Listener) error {
	in.slots = make(chan struct{}, intakeAtOnce)
	most := int64(intakeBytes)
	for i := range in.Boxes {
		most = max(most, in.Boxes[i].most())
	}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &incoming{ctx: ctx, intake: in}, nil
	}))
	server.LMTP, server.Domain, server.EnableSMTPUTF8 = true, ownName(), true
	server.MaxMessageBytes, server.MaxLineLength, server.MaxRecipients = most, intakeLine, intakeReaders
	server.ReadTimeout, server.WriteTimeout = intakeTime, intakeTime
	server.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug) // its lines may hold what was sent
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	err := server.Serve(listener)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// box is the one that takes an address; nil: none does.
func (in *Intake) box(address string) *Box {
	for i := range in.Boxes {
		if in.Boxes[i].Takes(address) {
			return &in.Boxes[i]
		}
	}
	return nil
}

// incoming is one connection's dialogue.
type incoming struct {
	ctx    context.Context // the server's; the library passes none
	intake *Intake
	sender string
	to     []string
}

// What a sender is told.
var (
	errNobody  = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such address here"}
	errLater   = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "not now, try again later"}
	errLarge   = &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 3, 4}, Message: "too large for this address"}
	errSpeaker = &smtp.SMTPError{Code: 503, EnhancedCode: smtp.EnhancedCode{5, 5, 1}, Message: "this server speaks LMTP"}
)

// Reset forgets the mail that was begun.
func (s *incoming) Reset() { s.sender, s.to = "", nil }

// Logout ends the dialogue.
func (s *incoming) Logout() error { return nil }

// Mail is the sender: a bounce has none, and who sends is no proof of anything.
func (s *incoming) Mail(from string, _ *smtp.MailOptions) error {
	s.sender = from
	return nil
}

// Rcpt accepts an address that a box takes.
func (s *incoming) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.intake.box(to) == nil {
		return errNobody
	}
	s.to = append(s.to, to)
	return nil
}

// Data is not asked in LMTP.
func (s *incoming) Data(io.Reader) error { return errSpeaker }

// LMTPData hands the mail to each recipient's box.
func (s *incoming) LMTPData(r io.Reader, status smtp.StatusCollector) error {
	select {
	case s.intake.slots <- struct{}{}:
		defer func() { <-s.intake.slots }()
	case <-s.ctx.Done():
		return errLater
	}
	var most int64
	for _, to := range s.to {
		if box := s.intake.box(to); box != nil {
			most = max(most, box.most())
		}
	}
	content, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return err // too long, or broken off
	}
	for _, to := range s.to {
		box := s.intake.box(to)
		if box == nil {
			status.SetStatus(to, errNobody)
			continue
		}
		if int64(len(content)) > box.most() {
			status.SetStatus(to, errLarge)
			continue
		}
		if err := box.Take(s.ctx, Arrived{Sender: s.sender, To: to, Content: content}); err != nil {
			s.intake.Log.Error("a mail that came in could not be kept", "error", err)
			status.SetStatus(to, errLater)
			continue
		}
		status.SetStatus(to, nil)
	}
	return nil
}

// Box is where bounces go: what they tell of a letter is kept with its address.
func (b *Bounces) Box(db *store.DB, log *slog.Logger) Box {
	return Box{
		Takes: func(address string) bool { _, ok := b.Letter(address); return ok },
		Take: func(ctx context.Context, a Arrived) error {
			id, ok := b.Letter(a.To)
			told := readReport(a.Content)
			if !ok || !told.failed {
				return nil
			}
			var first bool
			err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
				first, err = bounced(ctx, tx, id, told.status, told.words)
				return err
			})
			if err == nil && first {
				log.Warn("mail came back", "mail", id, "status", told.status)
			}
			return err
		},
	}
}
