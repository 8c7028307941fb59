package importing

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"nidan/internal/audit"
	"nidan/internal/clock"
	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
)

// Bounds of an upload. Larger files go over the command line.
const (
	uploadMost = 32 << 20
	uploadTime = 10 * time.Minute
	fieldMost  = 1000
)

// machine is this machine's own clock, which connections are timed by.
var machine = clock.New()

// typed is what was typed beside the file.
type typed struct {
	language, zone string
	leave          bool
}

// options are how the file is to be read.
func (t typed) options(house string) Options {
	o := Options{Leave: t.leave, House: house, Default: map[string]string{}}
	if t.language != "" {
		o.Default[Language.String()] = t.language
	}
	if t.zone != "" {
		o.Default[Zone.String()] = t.zone
	}
	return o
}

// parcel is a file that comes in. Its first piece is held in memory: most files are no
// larger, and are written with their run.
type parcel struct {
	run  Run
	head []byte
	n    int64 // pieces in the database
	sum  hash.Hash
	seen bool // there was a file
}

var (
	errNoForm = fault.New(fault.Invalid, "page.form_broken")
	errLarge  = fault.Field("file", "importing.file_large", "most", uploadMost>>20)
)

// upload takes a file in, looks whether it can be read, and has its dry run made.
func (rm *Room) upload(w http.ResponseWriter, r *http.Request) error {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(machine.Machine().Add(uploadTime)) // where it cannot be set, the usual time holds
	_ = control.SetWriteDeadline(machine.Machine().Add(uploadTime))
	r.Body = http.MaxBytesReader(w, r.Body, uploadMost+1<<20)
	form, err := r.MultipartReader()
	if err != nil {
		return page.ErrMedia
	}
	p := &parcel{run: Run{ID: secret.ID(), State: Uploading, By: session.Of(r.Context()).Ref.ID}, sum: sha256.New()}
	t, wrong, err := rm.receive(r.Context(), form, p)
	if err == nil && len(wrong) == 0 {
		wrong, err = rm.admit(r.Context(), p, t)
	}
	if id := new(already); errors.As(err, id) {
		return page.See(w, "/operator/import/"+string(*id))
	}
	if err != nil || len(wrong) > 0 {
		err = errors.Join(err, rm.give(r.Context(), p))
		if err != nil {
			return err
		}
		return rm.showList(w, r, http.StatusUnprocessableEntity, t, wrong)
	}
	return page.See(w, "/operator/import/"+p.run.ID)
}

// give removes what has come in of a file that is of no use.
func (rm *Room) give(ctx context.Context, p *parcel) error {
	if p.n == 0 {
		return nil
	}
	return rm.DB.Write(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Tx) error { return drop(ctx, tx, p.run.ID) })
}

// receive reads the form.
func (rm *Room) receive(ctx context.Context, form *multipart.Reader, p *parcel) (t typed, wrong []*fault.Fault, err error) {
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return t, nil, broken(err)
		}
		if part.FormName() == "file" {
			if p.seen || part.FileName() == "" && p.run.Name != "" {
				return t, nil, errNoForm
			}
			p.run.Name = shown(part.FileName())
			if err := rm.take(ctx, part, p); err != nil {
				if f := fault.Of(err); f == errLarge {
					return t, []*fault.Fault{f}, nil
				}
				return t, nil, err
			}
			continue
		}
		text, err := io.ReadAll(io.LimitReader(part, fieldMost))
		if err != nil {
			return t, nil, broken(err)
		}
		value := strings.TrimSpace(string(text))
		switch part.FormName() {
		case "language":
			t.language = value
		case "zone":
			t.zone = value
		case "leave":
			t.leave = value != ""
		}
	}
	if t.language != "" && t.language != string(phrase.English) && t.language != string(phrase.Japanese) {
		return t, nil, errNoForm
	}
	if _, ok := phrase.Zone(t.zone); t.zone != "" && !ok {
		wrong = append(wrong, fault.Field("zone", "importing.zone_wrong"))
	}
	if !p.seen {
		wrong = append([]*fault.Fault{fault.Field("file", "importing.file_missing")}, wrong...)
	}
	return t, wrong, nil
}

// broken is an upload that was not whole.
func broken(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return errLarge
	}
	return errNoForm
}

// take reads the file of a form, and puts what is beyond its first piece away.
func (rm *Room) take(ctx context.Context, in io.Reader, p *parcel) error {
	buffer := make([]byte, chunkMost)
	for {
		n, err := io.ReadFull(in, buffer)
		if n > 0 {
			p.seen = true
			p.sum.Write(buffer[:n])
			if p.run.Bytes += int64(n); p.run.Bytes > uploadMost {
				return errLarge
			}
			if keeping := rm.piece(ctx, p, buffer[:n]); keeping != nil {
				return keeping
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF) && n < len(buffer):
			p.run.Digest = p.sum.Sum(nil)
			return nil
		case err != nil:
			return broken(err)
		}
	}
}

// piece keeps one piece of a file.
func (rm *Room) piece(ctx context.Context, p *parcel, piece []byte) error {
	if p.head == nil {
		p.head = bytes.Clone(piece)
		return nil
	}
	return rm.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		n := p.n
		if n == 0 {
			first := p.run
			first.Digest = []byte{}
			if err := add(ctx, tx, first, true); err != nil {
				return err
			}
			if err := keepChunk(ctx, tx, rm.Keys, p.run.ID, 0, p.head); err != nil {
				return err
			}
			n = 1
		}
		if err := keepChunk(ctx, tx, rm.Keys, p.run.ID, n, piece); err != nil {
			return err
		}
		p.n = n + 1
		return nil
	})
}

// already is the run of a file that was uploaded before and has not ended.
type already string

// Error says so.
func (a already) Error() string { return "the file is uploaded already" }

// admit looks whether the file can be read at all, and has its dry run made.
func (rm *Room) admit(ctx context.Context, p *parcel, t typed) (wrong []*fault.Fault, err error) {
	p.run.Options, p.run.State = t.options(rm.Site.House.String()), Checking
	if f := rm.readable(ctx, p); f != nil {
		one := fault.Of(f)
		if one == nil {
			return nil, f
		}
		return []*fault.Fault{fault.Field("file", one.Phrase, one.Args...)}, nil
	}
	v := session.Of(ctx)
	err = rm.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		if err := rm.whole(ctx, tx, p); err != nil {
			return err
		}
		entry := started(p.run, Doer{Actor: v.Actor(), Network: v.From})
		entry.Act = "portal:import:uploaded"
		return audit.Record(ctx, tx, rm.Keys, entry)
	})
	if errors.Is(err, store.ErrTaken) {
		id, err := openWith(ctx, rm.DB, p.run.Digest)
		if err != nil {
			return nil, err
		}
		return nil, errors.Join(already(id), rm.give(ctx, p))
	}
	return nil, err
}

// whole writes a run whose file is whole.
func (rm *Room) whole(ctx context.Context, tx *store.Tx, p *parcel) error {
	if p.n > 0 {
		options, err := optionsText(p.run.Options)
		if err != nil {
			return err
		}
		return uploaded(ctx, tx, p.run, options)
	}
	if err := add(ctx, tx, p.run, true); err != nil {
		return err
	}
	return keepChunk(ctx, tx, rm.Keys, p.run.ID, 0, p.head)
}

// readable reads the beginning of a file.
func (rm *Room) readable(ctx context.Context, p *parcel) error {
	file := &File{Name: p.run.Name, open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(p.head)), nil }}
	var err error
	if p.n > 0 {
		file, err = rm.kept(ctx, p.run)
	} else {
		err = file.inspect(ctx)
	}
	if err != nil {
		return err
	}
	in, err := file.read(ctx, p.run.Options)
	if err != nil {
		return err
	}
	return in.close()
}
