package signin

import (
	"context"
	"time"

	"nidan/internal/audit"
	"nidan/internal/limit"
	"nidan/internal/mail"
	"nidan/internal/operator"
	"nidan/internal/organization"
	"nidan/internal/phrase"
	"nidan/internal/store"
)

// Wrong passwords over the whole portal: many addresses tried from many networks
// stay under every other counter. Past this the operators are told, once an hour;
// nobody is refused by it.
var (
	overall = limit.Key{Name: "password:all", Rate: limit.Rate{Burst: 300, Every: 2 * time.Second}}
	alarmed = limit.Key{Name: "password:alarm", Rate: limit.Rate{Burst: 1, Every: time.Hour}}
)

// alarm counts one more wrong password of the portal, and tells the operators
// when there are too many.
func (s *Room) alarm(ctx context.Context, tx *store.Tx) error {
	again, err := limit.Try(ctx, tx, overall)
	if err != nil || again.IsZero() {
		return err
	}
	again, err = limit.Try(ctx, tx, alarmed)
	if err != nil || !again.IsZero() {
		return err
	}
	s.log.Warn("very many wrong passwords over the whole portal; see the record for where they come from")
	err = s.record(ctx, tx, audit.Entry{Chain: organization.Operators, Act: "portal:password:alarmed",
		Actor: audit.Actor{Kind: audit.KindPortal}, Subject: "-"})
	if err != nil {
		return err
	}
	operators, err := operator.All(ctx, tx)
	if err != nil {
		return err
	}
	for _, o := range operators {
		if err := mail.Queue(ctx, tx, s.Keys, s.alarmLetter(o, tx.Now())); err != nil {
			return err
		}
	}
	return nil
}

func (s *Room) alarmLetter(o operator.Operator, now time.Time) mail.Letter {
	say := s.site.Speaker(o.Language, phrase.Location(o.Zone))
	return mail.Letter{
		Organization: organization.Operators, Holder: o.ID, Lane: mail.Notice, Kind: "password-alarm",
		To: o.Email, Language: o.Language, Subject: say.T("signin.alarm_subject", "portal", s.site.Name),
		Text: say.T("signin.alarm_text", "name", o.Name, "portal", s.site.Name, "when", say.Moment(now)),
	}
}
