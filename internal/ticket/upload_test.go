package ticket

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func TestAttachmentsComeBackAsTheyCameAsDownloads(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		haruka, mika := s.person(s.org, "Haruka Sato", "en"), s.staff("Mika")
		large := "\x89PNG\r\n\x1a\n" + strings.Repeat("0123456789abcdef", 40_000) // three pieces
		s.to(s.serve(haruka, upload("/tickets/new", append([]string{"form", strings.Repeat("a", 36)}, announced...), `C:\temp\画面 "1".png`, large, "", "")), "/tickets/T-1?done=created")
		s.is(s.ask(haruka, "GET", "/tickets/T-1"), 200, "画面 1.png", "625 KiB")
		var id string
		must(t, s.DB.QueryRow(t.Context(), `select id from attachment where name = '画面 1.png'`).Scan(&id))
		for _, v := range []struct{ path string }{{"/tickets/T-1/files/" + id}} {
			got := s.ask(haruka, "GET", v.path)
			if got.Code != 200 || got.Body.String() != large {
				t.Fatalf("%d: %d bytes of %d", got.Code, got.Body.Len(), len(large))
			}
			for header, want := range map[string]string{"Content-Type": "image/png", "Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment", "Cache-Control": "no-store"} {
				if !strings.Contains(got.Header().Get(header), want) {
					t.Errorf("%s: %q", header, got.Header().Get(header))
				}
			}
		}
		if got := s.ask(mika, "GET", "/operator/tickets/T-1/files/"+id); got.Code != 200 || got.Body.Len() != len(large) {
			t.Errorf("%d", got.Code)
		}
		s.opened(haruka)
		s.is(s.ask(haruka, "GET", "/tickets/T-2/files/"+id), 404) // of another ticket
		s.is(s.ask(haruka, "GET", "/tickets/T-1/files/x"), 404)
		// An answer can bring one, and a comment.
		s.to(s.serve(mika, upload("/operator/tickets/T-1", append(s.form(mika, "/operator/tickets/T-1"), "act", "answer", "text", "see the file"), "steps.pdf", "%PDF-1.7 x")), "/operator/tickets/T-1?done=answer")
		s.is(s.ask(haruka, "GET", "/tickets/T-1"), 200, "steps.pdf")
		s.is(s.serve(mika, upload("/operator/tickets/T-1", append(s.form(mika, "/operator/tickets/T-1"), "act", "note", "text", "x"), "steps.pdf", "%PDF-1.7 x")), 422, "A note keeps no attachments")
	})
}

func TestWhatIsNotTakenLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		haruka := s.person(s.org, "Haruka Sato", "en")
		sends := func(token string, kept []string, files ...string) *http.Request {
			return upload("/tickets/new", append(append([]string{"form", strings.Repeat(token, 36)}, kept...), announced...), files...)
		}
		send := func(token string, files ...string) *http.Request { return sends(token, nil, files...) }
		s.is(s.serve(haruka, send("a", "run.exe", "MZ\x90\x00\x03\x00\x00\x00")), 422, "run.exe is of a kind that is not taken", "認証アプリ")
		s.is(s.serve(haruka, send("a", "page.png", "<!doctype html><script>alert(1)</script>")), 422, "page.png is of a kind")
		s.is(s.serve(haruka, send("a", "none.txt", "")), 422, "none.txt is empty")
		s.is(s.serve(haruka, send("b", "big.txt", strings.Repeat("x", LargestFile+1))), 422, "big.txt is larger than 10 MiB")
		if s.count("attachment")+s.count("attachment_chunk")+s.count("ticket") != 0 {
			t.Error("something is left")
		}
		// What has arrived before is kept for the form, and can be taken back.
		first := s.serve(haruka, send("c", "kept.txt", "one line", "run.exe", "MZ\x90\x00\x03\x00\x00\x00"))
		s.is(first, 422, "kept.txt has arrived")
		s.to(s.serve(haruka, sends("c", kept(first))), "/tickets/T-1?done=created")
		s.is(s.ask(haruka, "GET", "/tickets/T-1"), 200, "kept.txt")
		second := s.serve(haruka, send("d", "taken-back.txt", "one line", "run.exe", "MZ\x90\x00\x03\x00\x00\x00"))
		s.is(second, 422)
		var id string
		must(t, s.DB.QueryRow(t.Context(), `select id from attachment where number is null`).Scan(&id))
		s.to(s.serve(haruka, sends("d", append(kept(second), "drop-"+id, "yes"))), "/tickets/T-2?done=created")
		if body := s.ask(haruka, "GET", "/tickets/T-2").Body.String(); strings.Contains(body, "taken-back") {
			t.Error("it was sent all the same")
		}
		if s.count("attachment where id = '"+id+"'") != 0 {
			t.Error("what was taken back uses up room")
		}
		// One of somebody else's form is not taken along.
		taro := s.person(s.org, "Taro Abe", "en")
		mine := s.serve(haruka, send("e", "mine.txt", "x", "run.exe", "MZ\x90\x00"))
		s.is(s.serve(taro, sends("e", kept(mine))), 422, "Some files were not kept")
		s.to(s.serve(taro, send("e")), "/tickets/T-3?done=created")
		if body := s.ask(taro, "GET", "/tickets/T-3").Body.String(); strings.Contains(body, "mine.txt") {
			t.Error("a form took somebody else's file")
		}
		// What waits is forgotten after a day.
		s.Clock.Set(s.Clock.Now().Add(25 * time.Hour))
		s.in(func(ctx context.Context, tx *store.Tx) error { _, err := Forget(ctx, tx); return err })
		if s.count("attachment where number is null") != 0 || s.count("attachment_chunk where attachment_id not in (select id from attachment)") != 0 {
			t.Error("something waits for ever")
		}
	})
}

func TestMoreFilesThanATicketHoldsAreRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		haruka := s.person(s.org, "Haruka Sato", "en")
		var files []string
		for range MostFiles + 1 {
			files = append(files, "one.txt", "x")
		}
		got := s.serve(haruka, upload("/tickets/new", append([]string{"form", strings.Repeat("a", 36)}, announced...), files...))
		s.is(got, 422, "at most 20 files")
		s.to(s.serve(haruka, upload("/tickets/new", append(append([]string{"form", strings.Repeat("a", 36)}, kept(got)...), announced...))), "/tickets/T-1?done=created")
		got = s.serve(haruka, upload("/tickets/T-1", append(s.form(haruka, "/tickets/T-1"), "act", "comment", "text", "one more"), "more.txt", "x"))
		s.is(got, 422, "at most 20 files", "one more")
		if s.count("attachment where number = 1") != MostFiles || s.count("ticket_entry") != 1 {
			t.Error("the limit was passed")
		}
	})
}

// broken is a line that breaks off after so many bytes.
type broken struct {
	io.Reader
	cancel context.CancelFunc
}

func (b broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		b.cancel()
		return n, errors.New("the line broke off")
	}
	return n, err
}

func TestABrokenUploadLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		haruka := s.person(s.org, "Haruka Sato", "en")
		whole := upload("/tickets/new", append([]string{"form", strings.Repeat("a", 36)}, announced...), "big.txt", strings.Repeat("x", 3*chunk))
		body, err := io.ReadAll(whole.Body)
		must(t, err)
		for _, cut := range []int{len(body) / 2, len(body) - 100, len(body) - 3*chunk} {
			ctx, cancel := context.WithCancel(t.Context())
			whole.Body = io.NopCloser(broken{bytes.NewReader(body[:cut]), cancel})
			if got := s.serve(haruka, whole.WithContext(ctx)); got.Code == http.StatusSeeOther {
				t.Errorf("half of a form was taken: %d", got.Code)
			}
			cancel()
			if n := s.count("attachment") + s.count("attachment_chunk") + s.count("ticket"); n != 0 {
				t.Errorf("%d rows are left of %d bytes", n, cut)
			}
		}
	})
}

// zeros is an endless file of a kind that is taken.
type zeros struct{ left int }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), z.left)
	for i := range p[:n] {
		p[i] = 'x'
	}
	z.left -= n
	return n, nil
}

// digestWriter takes an answer and keeps none of it.
type digestWriter struct {
	header http.Header
	sum    interface{ Write([]byte) (int, error) }
	n      int
}

func (d *digestWriter) Header() http.Header { return d.header }
func (d *digestWriter) WriteHeader(int)     {}
func (d *digestWriter) Write(p []byte) (int, error) {
	d.n += len(p)
	return d.sum.Write(p)
}

func TestALargeFileIsNeverHeldWhole(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	s := open(t, w)
	haruka := s.person(s.org, "Haruka Sato", "en")
	form := strings.Repeat("a", 36)
	f, err := Keep(t.Context(), s.DB, s.org, haruka.Ref, form, "big.txt", &zeros{LargestFile})
	must(t, err)
	s.opened(haruka, "form", form, "kept-"+f.ID, "yes")
	answer := &digestWriter{header: http.Header{}, sum: sha256.New()}
	r, _ := http.NewRequestWithContext(t.Context(), "GET", "/tickets/T-1/files/"+f.ID, nil)
	s.mux.ServeHTTP(answer, r.WithContext(session.With(r.Context(), haruka)))
	if answer.n != LargestFile {
		t.Errorf("%d bytes of %d", answer.n, LargestFile)
	}
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	if stats.HeapAlloc > 64<<20 {
		t.Errorf("%d MiB are held", stats.HeapAlloc>>20)
	}
}
