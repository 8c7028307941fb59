package backup

import (
	"context"
	"strconv"
	"time"

	"nidan/internal/address"
	"nidan/internal/clock"
	"nidan/internal/importing"
	"nidan/internal/mail"
	"nidan/internal/mailotp"
	"nidan/internal/notice"
	"nidan/internal/pass"
	"nidan/internal/password"
	"nidan/internal/reminder"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/ticket"
)

// Void is how much a restore made void.
type Void struct {
	Sessions  int64 `json:"sessions"`
	Codes     int64 `json:"codes"` // mailed
	Resets    int64 `json:"resets"`
	Passes    int64 `json:"passes"` // and starting guides, operators' links, requests that waited
	Addresses int64 `json:"address_changes"`
	Letters   int64 `json:"letters"`  // codes, links and mailings that were not sent yet
	Imports   int64 `json:"imports"`  // that were under way
	Mailings  int64 `json:"mailings"` // reminders and notices that were on their way, or due since
}

func (v Void) detail() map[string]string {
	detail := map[string]string{}
	for name, n := range map[string]int64{"sessions": v.Sessions, "mailed": v.Codes, "resets": v.Resets, "passes": v.Passes,
		"addresses": v.Addresses, "letters": v.Letters, "mailings": v.Mailings, "imports": v.Imports} {
		detail[name] = strconv.FormatInt(n, 10)
	}
	return detail
}

// end is what a restore does to the rows of a backup taken at an instant.
func end(ctx context.Context, tx *store.Tx, taken time.Time, house *time.Location) (v Void, err error) {
	if err := clock.Restored(ctx, tx); err != nil {
		return Void{}, err
	}
	for _, one := range []struct {
		n    *int64
		void func() (int64, error)
	}{
		{&v.Sessions, func() (int64, error) { return session.Restored(ctx, tx) }},
		{&v.Codes, func() (int64, error) { return mailotp.Restored(ctx, tx) }},
		{&v.Resets, func() (int64, error) { return password.Restored(ctx, tx, taken) }},
		{&v.Passes, func() (int64, error) { return pass.Restored(ctx, tx) }},
		{&v.Addresses, func() (int64, error) { return address.Restored(ctx, tx) }},
		{&v.Letters, func() (int64, error) { return mail.Restored(ctx, tx) }},
		{&v.Imports, func() (int64, error) { return importing.Restored(ctx, tx) }},
		{&v.Mailings, func() (int64, error) { return reminder.Restored(ctx, tx, house) }},
	} {
		if *one.n, err = one.void(); err != nil {
			return Void{}, err
		}
	}
	if _, err := ticket.Restored(ctx, tx); err != nil {
		return Void{}, err
	}
	notices, err := notice.Restored(ctx, tx)
	v.Mailings += notices
	return v, err
}
