package ticket

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/store"
)

// Limits of attachments.
const (
	LargestFile   = 10 << 20      // bytes of one
	MostFiles     = 20            // of a ticket, and waiting for one form
	MostBytes     = 50 << 20      // of all of a ticket
	mostWaiting   = 3 * MostFiles // of one person, for all forms
	mostStrange   = 500 << 20     // bytes of all that waits of people without an account
	chunk         = 256 << 10
	abandoned     = time.Hour      // an upload that was broken off
	forgottenForm = 24 * time.Hour // a form that was never sent
)

// File is an attachment as pages list it.
type File struct {
	ID, Name, Media string
	Size            int64
}

// Length is the size for people.
func (f File) Length() string {
	switch {
	case f.Size < 1<<10:
		return fmt.Sprintf("%d B", f.Size)
	case f.Size < 1<<20:
		return fmt.Sprintf("%d KiB", (f.Size+512)>>10)
	}
	return fmt.Sprintf("%.1f MiB", float64(f.Size)/(1<<20))
}

// beginFile notes an attachment that arrives; it counts for nothing before it is whole.
func beginFile(ctx context.Context, tx *store.Tx, organization string, by account.Ref, form string, f File) error {
	_, err := tx.Exec(ctx, `insert into attachment (id, organization_id, by_organization, by_holder, form, name, media, size, at, whole)
		values ($1, $2, $3, $4, $5, $6, $7, 0, $8, false)`,
		f.ID, organization, by.Organization, by.ID, form, f.Name, f.Media, store.Micros(tx.Now()))
	if err != nil {
		return fmt.Errorf("attachment: %w", err)
	}
	return nil
}

// keepChunk writes a piece of an attachment; the last one makes it whole.
func keepChunk(ctx context.Context, tx *store.Tx, organization, id string, seq int, piece []byte, last bool) error {
	if len(piece) > 0 {
		_, err := tx.Exec(ctx, `insert into attachment_chunk (organization_id, attachment_id, seq, bytes) values ($1, $2, $3, $4)`,
			organization, id, seq, piece)
		if err != nil {
			return fmt.Errorf("attachment: %w", err)
		}
	}
	_, err := tx.Exec(ctx, `update attachment set size = size + $1, whole = $2 where organization_id = $3 and id = $4 and number is null`,
		len(piece), last, organization, id)
	return err
}

// dropFile removes an attachment that no deed has claimed.
func dropFile(ctx context.Context, tx *store.Tx, organization, id string) error {
	_, err := tx.Exec(ctx, `delete from attachment where organization_id = $1 and id = $2 and number is null`, organization, id)
	return err
}

// dropFiles removes attachments that no deed has claimed.
func dropFiles(ctx context.Context, tx *store.Tx, organization string, ids []string) error {
	for _, id := range ids {
		if err := dropFile(ctx, tx, organization, id); err != nil {
			return err
		}
	}
	return nil
}

// waits is all that somebody sent whose deed is not done yet.
type waits struct {
	files, bytes int64
}

// waitingFiles are the whole attachments that somebody sent with a form whose deed
// is not done yet, and how much of his waits in all. Who has no account is not told from
// others who have none: of him only this form counts.
func waitingFiles(ctx context.Context, r store.Reader, by account.Ref, form string) (files []File, all waits, err error) {
	rows, err := r.Query(ctx, `select id, name, media, size, form, whole from attachment
		where by_organization = $1 and by_holder = $2 and number is null and ($3 or form = $4) order by id`,
		by.Organization, by.ID, by.ID != "", form)
	if err != nil {
		return nil, waits{}, fmt.Errorf("attachments: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var f File
		var of string
		var whole bool
		if err := rows.Scan(&f.ID, &f.Name, &f.Media, &f.Size, &of, &whole); err != nil {
			return nil, waits{}, err
		}
		all.files, all.bytes = all.files+1, all.bytes+f.Size
		if of == form && whole {
			files = append(files, f)
		}
	}
	return files, all, rows.Err()
}

// errStrangers says that too much waits of people without an account; what comes now has
// to come again later.
var errStrangers = errors.New("ticket: too many attachments of people without an account wait")

// strangersWait is errStrangers where no more of people without an account is kept.
func strangersWait(ctx context.Context, r store.Reader) error {
	var bytes int64
	err := r.QueryRow(ctx, `select cast(coalesce(sum(size), 0) as bigint) from attachment
		where organization_id = $1 and by_organization = $2 and by_holder = $3 and number is null`, "", "", "").Scan(&bytes)
	if err == nil && bytes >= mostStrange {
		return errStrangers
	}
	return err
}

// errTooMuch refuses more attachments than a ticket holds.
var errTooMuch = fault.Field("attachment", "ticket.files_total", "n", MostFiles, "size", MostBytes>>20)

// errGone says that some of what a form names waits no longer.
var errGone = fault.Field("attachment", "ticket.files_gone")

// claim makes attachments part of an entry, those that somebody sent with this form
// and kept, and holds the ticket to its limits. It is all of them or a fault.
func claim(ctx context.Context, tx *store.Tx, t Ticket, entry string, by account.Ref, form string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	args := []any{int64(t.Number), entry, t.Organization, by.Organization, by.ID, form}
	for _, id := range ids {
		args = append(args, id)
	}
	n, err := tx.Exec(ctx, `update attachment set number = $1, entry_id = $2
		where organization_id = $3 and by_organization = $4 and by_holder = $5 and form = $6 and number is null and whole
			and id in (`+list(7, len(ids))+`)`, args...)
	if err != nil {
		return err
	}
	if n < int64(len(ids)) {
		return errGone
	}
	var files, bytes int64
	err = tx.QueryRow(ctx, `select count(*), cast(coalesce(sum(size), 0) as bigint) from attachment where organization_id = $1 and number = $2`,
		t.Organization, int64(t.Number)).Scan(&files, &bytes)
	if err == nil && (files > MostFiles || bytes > MostBytes) {
		return errTooMuch
	}
	return err
}

// fileOf is an attachment of a ticket; one of a note is for the desk alone.
// store.ErrNone when there is none.
func fileOf(ctx context.Context, r store.Reader, t Ticket, id string, notes bool) (f File, err error) {
	err = r.QueryRow(ctx, `select f.id, f.name, f.media, f.size from attachment f join ticket_entry e on e.id = f.entry_id
		where f.organization_id = $1 and f.number = $2 and f.id = $3 and (e.kind <> 'note' or $4)`,
		t.Organization, int64(t.Number), id, notes).Scan(&f.ID, &f.Name, &f.Media, &f.Size)
	return f, err
}

// piece is one chunk of an attachment; store.ErrNone behind the last.
func piece(ctx context.Context, r store.Reader, organization, id string, seq int) (bytes []byte, err error) {
	err = r.QueryRow(ctx, `select bytes from attachment_chunk where organization_id = $1 and attachment_id = $2 and seq = $3`,
		organization, id, seq).Scan(&bytes)
	return bytes, err
}

// Forget removes attachments whose upload broke off, or whose form was never sent.
func Forget(ctx context.Context, tx *store.Tx) (int64, error) {
	return tx.Exec(ctx, `delete from attachment where number is null and (at < $1 or not whole and at < $2)`,
		store.Micros(tx.Now().Add(-forgottenForm)), store.Micros(tx.Now().Add(-abandoned)))
}
