package crash

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"

	"nidan/internal/store"
)

// finder looks for many secrets at once. Long ones are found anywhere, also where rows
// stand side by side in a file; codes only as words of their own, since any six digits
// stand in some number.
type finder struct {
	long  map[uint64][]string
	short map[string]bool
}

const head = 8

func finderOf(secrets map[string]string, but string) *finder {
	f := &finder{long: map[uint64][]string{}, short: map[string]bool{}}
	for value, owner := range secrets {
		switch {
		case owner != "" && owner == but:
		case len(value) <= 9:
			f.short[value] = true
		default:
			key := binary.BigEndian.Uint64([]byte(value))
			f.long[key] = append(f.long[key], value)
		}
	}
	return f
}

// in finds the secrets in some bytes; words says whether those are text.
func (f *finder) in(text []byte, words bool) (list []string) {
	for i := 0; i+head <= len(text); i++ {
		for _, value := range f.long[binary.BigEndian.Uint64(text[i:])] {
			if bytes.HasPrefix(text[i:], []byte(value)) {
				list = append(list, value)
			}
		}
	}
	if !words {
		return list
	}
	for start, i := 0, 0; i <= len(text); i++ {
		if i < len(text) && word(text[i]) {
			continue
		}
		if f.short[string(text[start:i])] {
			list = append(list, string(text[start:i]))
		}
		if i-4 == start && i+5 <= len(text) && text[i] == ' ' && f.short[string(text[start:i+5])] { // 1234 5678
			list = append(list, string(text[start:i+5]))
		}
		start = i + 1
	}
	return list
}

func word(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '.' || c == '_'
}

func (w *world) known() map[string]string {
	w.secretsMu.Lock()
	defer w.secretsMu.Unlock()
	all := make(map[string]string, len(w.secrets))
	for value, owner := range w.secrets {
		all[value] = owner
	}
	return all
}

func inLogs(_ context.Context, _ store.Reader, e *evidence) ([]string, error) {
	return finderOf(e.known(), "").in([]byte(e.log), true), nil
}

// inTexts looks into every column, and on SQLite into the bytes of its files.
func inTexts(ctx context.Context, r store.Reader, e *evidence) (list []string, _ error) {
	f := finderOf(e.known(), "")
	all, err := columns(ctx, r, e.engine)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		err := each(ctx, r, c[0], c[1], func(value []byte) {
			for _, what := range f.in(value, true) {
				list = append(list, c[0]+"."+c[1]+": "+what)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	if e.engine != store.SQLite {
		return list, nil
	}
	for _, part := range []string{"", "-wal"} {
		content, err := os.ReadFile(e.source + part)
		if err != nil && !os.IsNotExist(err) {
			return nil, err
		}
		for _, what := range f.in(content, false) {
			list = append(list, "file"+part+": "+what)
		}
	}
	return list, nil
}

// inMails looks for what is somebody's in the mails of others.
func inMails(_ context.Context, _ store.Reader, e *evidence) (list []string, _ error) {
	finders, known := map[string]*finder{}, e.known()
	for _, l := range e.letters {
		f := finders[l.to]
		if f == nil {
			f = finderOf(known, l.to)
			finders[l.to] = f
		}
		for _, what := range f.in([]byte(l.subject+"\n"+l.text), true) {
			list = append(list, l.to+": "+what)
		}
	}
	return list, nil
}
