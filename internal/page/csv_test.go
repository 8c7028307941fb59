package page_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"nidan/internal/page"
)

type writeRow = func(cells ...string) error

func TestATableGoesOutAsAFile(t *testing.T) {
	w := httptest.NewRecorder()
	err := page.CSV(w, "undeliverable 一覧.csv", []string{"name", "words"}, func(write writeRow) error {
		return errors.Join(write("佐藤 花子", "no such \"mailbox\", sorry"), write("two\nlines", ""))
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "\uFEFFname,words\r\n佐藤 花子,\"no such \"\"mailbox\"\", sorry\"\r\n\"two\r\nlines\",\r\n"
	if got := w.Body.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	h := w.Result().Header
	if h.Get("Content-Type") != "text/csv; charset=utf-8" || h.Get("Cache-Control") != "no-store" ||
		!strings.HasPrefix(h.Get("Content-Disposition"), "attachment; filename") {
		t.Errorf("headers %v", h)
	}
}

func TestNoCellOfATableIsCalculated(t *testing.T) {
	for evil, want := range map[string]string{
		`=HYPERLINK("x")`: `"'=HYPERLINK(""x"")"`, "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)",
		"＝1": "'＝1", "＋1": "'＋1", "－1": "'－1", "＠A1": "'＠A1", " =1": `" '=1"`,
		"\t=1": "'\t'=1", "\r=1": "\"'=1\"", "\n=1": "\"'\r\n=1\"",
		"x;=1+1": "x;'=1+1", "x; +1": "x; '+1", `x;"@SUM(A1)"`: `"x;""'@SUM(A1)"""`, "x\t-1": "x\t'-1", "x;y;＝1": "x;y;'＝1",
	} {
		w := httptest.NewRecorder()
		if err := page.CSV(w, "a.csv", []string{evil}, func(write writeRow) error { return write("safe", evil) }); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimPrefix(w.Body.String(), "\uFEFF"); got != want+"\r\nsafe,"+want+"\r\n" {
			t.Errorf("%q went out as %q", evil, got)
		}
	}
	for _, harmless := range []string{"a-b", "5-7; 8-9", "a=b", "x; y", "(03) 1234-5678", "é@aozora.example"} {
		w := httptest.NewRecorder()
		if err := page.CSV(w, "a.csv", []string{"h"}, func(write writeRow) error { return write(harmless) }); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(w.Body.String(), "\n"+harmless+"\r") {
			t.Errorf("%q went out as %q", harmless, w.Body)
		}
	}
}

func TestATableThatFailsNeverLooksWhole(t *testing.T) {
	broken := errors.New("the database went away")
	w := httptest.NewRecorder()
	err := page.CSV(w, "a.csv", []string{"n"}, func(write writeRow) error { return errors.Join(write("1"), broken) })
	if !errors.Is(err, broken) || w.Body.Len() != 0 || w.Header().Get("Content-Disposition") != "" {
		t.Errorf("an early error: %v, sent %q", err, w.Body)
	}
	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Errorf("a late error ended with %v", v)
		}
	}()
	_ = page.CSV(httptest.NewRecorder(), "a.csv", []string{"n"}, func(write writeRow) error {
		for i := range 20_000 {
			if err := write(strconv.Itoa(i)); err != nil {
				return err
			}
		}
		return broken
	})
	t.Error("a late error was answered as if all were well")
}
