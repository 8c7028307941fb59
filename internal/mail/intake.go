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
)

// Box is where mail to some addresses goes.
type Box struct {
	Takes func(address string) bool
	// Take gets a mail whole, as it came. An error has the server that brought it
	// try again later; what can never be read is no error.
	Take func(ctx context.Context, address string, content []byte) error
}

// Intake takes mail from the local mail server by LMTP (RFC 2033), for its boxes
// and nobody else. Nothing of a mail is logged.
type Intake struct {
	Boxes []Box
	Log   *slog.Logger
}

// Serve answers on a listener until ctx ends.
func (in *Intake) Serve(ctx context.Context, listener net.Listener) error {
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &incoming{ctx: ctx, intake: in}, nil
	}))
	server.LMTP, server.Domain, server.EnableSMTPUTF8 = true, ownName(), true
	server.MaxMessageBytes, server.MaxLineLength, server.MaxRecipients = intakeBytes, intakeLine, intakeReaders
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
	to     []string
}

// What a sender is told.
var (
	errNobody  = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such address here"}
	errLater   = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "not now, try again later"}
	errSpeaker = &smtp.SMTPError{Code: 503, EnhancedCode: smtp.EnhancedCode{5, 5, 1}, Message: "this server speaks LMTP"}
)

// Reset forgets the mail that was begun.
func (s *incoming) Reset() { s.to = nil }

// Logout ends the dialogue.
func (s *incoming) Logout() error { return nil }

// Mail is the sender: a bounce has none, and who sends is no proof of anything.
func (s *incoming) Mail(string, *smtp.MailOptions) error { return nil }

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
	content, err := io.ReadAll(r)
	if err != nil {
		return err // too long, or broken off
	}
	for _, to := range s.to {
		box := s.intake.box(to)
		if box == nil {
			status.SetStatus(to, errNobody)
			continue
		}
		if err := box.Take(s.ctx, to, content); err != nil {
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
		Take: func(ctx context.Context, address string, content []byte) error {
			id, ok := b.Letter(address)
			told := readReport(content)
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
