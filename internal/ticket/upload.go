package ticket

import (
	"context"
	"errors"
	"io"
	"net/http"

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
	Token string // of the form
	Files []File // kept now or before, without those that were taken back
	IDs   []string
}

// readSent reads a form of somebody, and keeps the attachments that come with it.
func (rm *Room) readSent(w http.ResponseWriter, r *http.Request, organization string, by account.Ref) (s sent, err error) {
	s.Form, err = page.ReadParts(w, r, MostBytes, func(form *page.Form, part page.Part) error {
		if part.Field != "attachment" {
			return nil
		}
		if s.Token == "" {
			s.Token = token(form)
		}
		_, err := Keep(r.Context(), rm.DB, organization, by, s.Token, part.Name, part)
		if f := fault.Of(err); f != nil {
			form.Add(f)
			return nil
		}
		return err
	})
	if err != nil {
		return s, err
	}
	if s.Token == "" {
		s.Token = token(s.Form)
	}
	waiting, _, err := waitingFiles(r.Context(), rm.DB, by, s.Token)
	if err != nil {
		return s, err
	}
	for _, f := range waiting {
		if s.Has("drop-" + f.ID) {
			continue
		}
		s.Files, s.IDs = append(s.Files, f), append(s.IDs, f.ID)
	}
	return s, nil
}

// token is what makes a form one of its own; a form without one is new each time.
func token(form *page.Form) string {
	text := form.Text("form")
	if len(text) < 16 || len(text) > 64 {
		return secret.ID()
	}
	return text
}
