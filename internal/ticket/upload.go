package ticket

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Keep reads an attachment as it arrives and keeps it, a piece at a time, under the
// form that it came with; a deed with this form may claim it. What does not arrive
// whole, is too large or of a kind that is not taken leaves nothing. A fault is for
// the person; any other error is the line's or the database's.
//
// Nothing is held but one piece, and no transaction is open while a line is read.
func Keep(ctx context.Context, db *store.DB, organization string, by account.Ref, form, name string, from io.Reader) (f File, err error) {
	waiting, all, err := waitingFiles(ctx, db, by, form)
	if err != nil {
		return File{}, err
	}
	if len(waiting) >= MostFiles || all.files >= mostWaiting {
		return File{}, errTooMuch
	}
	if by.ID == "" {
		if err := strangersWait(ctx, db); err != nil {
			return File{}, err
		}
	}
	buffer := make([]byte, chunk)
	n, last, err := fill(from, buffer)
	switch {
	case err != nil:
		return File{}, err
	case n == 0:
		return File{}, fault.Field("attachment", "ticket.file_empty", "name", name)
	}
	f = File{ID: secret.ID(), Name: name}
	kind, taken := mediaOf(buffer[:n])
	if !taken {
		return File{}, fault.Field("attachment", "ticket.file_kind", "name", name)
	}
	f.Media = kind
	write := func(seq, n int, last bool) error {
		return db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			if seq == 0 {
				if err := beginFile(ctx, tx, organization, by, form, f); err != nil {
					return err
				}
			}
			return keepChunk(ctx, tx, organization, f.ID, seq, buffer[:n], last)
		})
	}
	defer func() {
		if err != nil { // also when the line broke off: then ctx has ended
			err = errors.Join(err, db.Write(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Tx) error {
				return dropFile(ctx, tx, organization, f.ID)
			}))
		}
	}()
	for seq := 0; ; seq++ {
		f.Size += int64(n)
		switch {
		case f.Size > LargestFile:
			return f, fault.Field("attachment", "ticket.file_large", "name", name, "size", LargestFile>>20)
		case all.bytes+f.Size > MostBytes:
			return f, errTooMuch
		}
		if err := write(seq, n, last); err != nil || last {
			return f, err
		}
		if n, last, err = fill(from, buffer); err != nil {
			return f, err
		}
	}
}

// fill reads until the buffer is full, or what there is has ended.
func fill(from io.Reader, buffer []byte) (n int, last bool, err error) {
	n, err = io.ReadFull(from, buffer)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return n, true, nil
	}
	return n, false, err
}

// sent is a form about a ticket, with the attachments that wait for its deed.
type sent struct {
	*page.Form
	Token        string // of the form
	organization string // whose the ticket is, or will be
	by           account.Ref
	IDs          []string // of what the form names of before, and of what came with it
	fresh        []string // of these, what came with this very request
}

// readSent reads a form of somebody, and keeps the attachments that come with it. What
// came with an earlier request and is not named by this form goes: then the line broke
// off, or the person went back, and the browser sends all of it again. Where nothing
// becomes of the form and it is not shown again, letGo has to follow.
func (rm *Room) readSent(w http.ResponseWriter, r *http.Request, organization string, by account.Ref) (s sent, err error) {
	s.organization, s.by = organization, by
	begun := secret.ID() // ids are in order: those before it are of earlier requests
	s.Form, err = page.ReadParts(w, r, MostBytes, func(form *page.Form, part page.Part) error {
		if part.Field != "attachment" {
			return nil
		}
		if s.Token == "" {
			if err := rm.settle(r.Context(), &s, form, begun); err != nil {
				return err
			}
		}
		kept, err := Keep(r.Context(), rm.DB, organization, by, s.Token, part.Name, part)
		if f := fault.Of(err); f != nil {
			form.Add(f)
			return nil
		}
		if err == nil {
			s.fresh = append(s.fresh, kept.ID)
		}
		return err
	})
	if err == nil && s.Token == "" {
		err = rm.settle(r.Context(), &s, s.Form, begun)
	}
	s.IDs = append(s.IDs, s.fresh...)
	return s, rm.letGo(r.Context(), s, err)
}

// settle finds out what a form takes along of earlier requests, and removes the rest
// before anything new is counted beside it. What another request of the same form is
// only now sending is left alone.
func (rm *Room) settle(ctx context.Context, s *sent, form *page.Form, begun string) error {
	s.Token = token(form)
	for _, id := range form.After("kept-") {
		if !form.Has("drop-" + id) {
			s.IDs = append(s.IDs, id)
		}
	}
	waiting, _, err := waitingFiles(ctx, rm.DB, s.by, s.Token)
	if err != nil {
		return err
	}
	var left []string
	for _, f := range waiting {
		if f.ID < begun && !slices.Contains(s.IDs, f.ID) {
			left = append(left, f.ID)
		}
	}
	return letGo(ctx, rm.DB, s.organization, left)
}

// letGo removes what came with a request that ends with an error: the browser goes back
// to a form which does not name it, and sends it again. Without an error nothing goes.
func (rm *Room) letGo(ctx context.Context, s sent, err error) error {
	if err == nil {
		return nil
	}
	if gone := letGo(ctx, rm.DB, s.organization, s.fresh); gone != nil {
		return errors.Join(err, gone)
	}
	return err
}

// letGo removes attachments that no deed has claimed, also when whoever sent them has
// hung up.
func letGo(ctx context.Context, db *store.DB, organization string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	return db.Write(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Tx) error {
		return dropFiles(ctx, tx, organization, ids)
	})
}

// waiting are the attachments that a form which is shown again goes with. One that has
// gone meanwhile is told, once.
func (rm *Room) waiting(ctx context.Context, s sent) (files []File, err error) {
	all, _, err := waitingFiles(ctx, rm.DB, s.by, s.Token)
	if err != nil {
		return nil, err
	}
	for _, f := range all {
		if slices.Contains(s.IDs, f.ID) {
			files = append(files, f)
		}
	}
	if len(files) < len(s.IDs) && !slices.Contains(s.Faults(), errGone) {
		s.Add(errGone)
	}
	return files, nil
}

// token is what makes a form one of its own; a form without one is new each time.
func token(form *page.Form) string {
	text := form.Text("form")
	if len(text) < 16 || len(text) > 64 {
		return secret.ID()
	}
	return text
}
