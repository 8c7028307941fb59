package page

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"testing"
)

// inParts is a form whose pairs come in order; a name that begins with @ is a file's.
func inParts(t *testing.T, pairs ...string) *http.Request {
	t.Helper()
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	for i := 0; i+1 < len(pairs); i += 2 {
		h := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + pairs[i] + `"`}}
		if name, ok := strings.CutPrefix(pairs[i], "@"); ok {
			h.Set("Content-Disposition", `form-data; name="file"; filename="`+name+`"`)
			h.Set("Content-Type", "application/octet-stream")
		}
		part, err := parts.CreatePart(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(pairs[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := parts.Close(); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", &body)
	r.Header.Set("Content-Type", parts.FormDataContentType())
	return r
}

func TestAFormInPartsIsReadAsItComes(t *testing.T) {
	var seen []string
	take := func(form *Form, p Part) error {
		first := make([]byte, 3)
		n, _ := io.ReadFull(p, first) // and leaves the rest
		seen = append(seen, form.Text("a")+" "+p.Field+" "+p.Name+" "+string(first[:n]))
		return nil
	}
	form, err := ReadParts(httptest.NewRecorder(), inParts(t, "a", "1", "@c:\\x\\one.txt", "abcdef", "@", "", "@../../two.txt", "xy", "b", " 2 "), 1000, take)
	if err != nil || form.Text("a") != "1" || form.Text("b") != "2" {
		t.Fatal(form, err)
	}
	if want := []string{"1 file one.txt abc", "1 file two.txt xy"}; strings.Join(seen, "|") != strings.Join(want, "|") {
		t.Errorf("%q", seen)
	}
	plain := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("a=1"))
	plain.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if form, err := ReadParts(httptest.NewRecorder(), plain, 10, take); err != nil || form.Text("a") != "1" {
		t.Error(form, err)
	}
}

func TestAFormInPartsThatIsNoneOfOursIsRefused(t *testing.T) {
	quiet := func(*Form, Part) error { return nil }
	for name, c := range map[string]struct {
		request *http.Request
		status  int
	}{
		"a field twice":     {inParts(t, "a", "1", "a", "2"), http.StatusBadRequest},
		"no UTF-8":          {inParts(t, "a", "\xff"), http.StatusBadRequest},
		"a field too large": {inParts(t, "a", strings.Repeat("x", maxBody+1)), http.StatusRequestEntityTooLarge},
		"files too large":   {inParts(t, "a", "1", "@one.txt", strings.Repeat("x", maxBody+2000)), http.StatusRequestEntityTooLarge},
	} {
		_, err := ReadParts(httptest.NewRecorder(), c.request, 1000, quiet)
		var status plain
		if !errors.As(err, &status) || status.status != c.status {
			t.Errorf("%s: %v", name, err)
		}
	}
	cut := inParts(t, "a", "1", "@one.txt", "abc")
	body, _ := io.ReadAll(cut.Body)
	cut.Body = io.NopCloser(bytes.NewReader(body[:len(body)-30]))
	if _, err := ReadParts(httptest.NewRecorder(), cut, 1000, quiet); err == nil {
		t.Error("half of a form was taken")
	}
	own := errors.New("the taker's own")
	if _, err := ReadParts(httptest.NewRecorder(), inParts(t, "@one.txt", "abc"), 1000, func(*Form, Part) error { return own }); !errors.Is(err, own) {
		t.Error(err)
	}
}

func TestAFilesNameIsOneLineWithoutFolders(t *testing.T) {
	for name, want := range map[string]string{"a.txt": "a.txt", `..\..\a.txt`: "a.txt", "/etc/passwd": "passwd", "..": "", ".": "", "a\r\nb.txt": "ab.txt",
		"画面\u202egnp.exe": "画面gnp.exe", `a"b<c>.txt`: "abc.txt", "": "", strings.Repeat("a", 200) + ".png": strings.Repeat("a", 116) + ".png", "ｶﾞ.txt": "ｶﾞ.txt"} {
		if got := fileName(name); got != want {
			t.Errorf("%q: %q", name, got)
		}
	}
}
