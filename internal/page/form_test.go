package page_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/store"
)

func post(body, media string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/?email=from-the-query", strings.NewReader(body))
	r.Header.Set("Content-Type", media)
	return r
}

const urlencoded = "application/x-www-form-urlencoded"

// typed is a form whose field "it" holds text.
func typed(t *testing.T, text string) *page.Form {
	t.Helper()
	form, err := page.Read(post(url.Values{"it": {text}}.Encode(), urlencoded))
	if err != nil {
		t.Fatal(err)
	}
	return form
}

func TestAFormThatNoPageSendsIsRefusedAsAWhole(t *testing.T) {
	for name, one := range map[string]struct {
		body, media string
		status      int
	}{
		"a field sent twice":       {"code=111111&code=222222", urlencoded, 400},
		"a field that is no UTF-8": {"email=%ff%fe", urlencoded, 400},
		"a name that is no UTF-8":  {"%ff=x", urlencoded, 400},
		"a broken escape":          {"email=%zz", urlencoded, 400},
		"a semicolon":              {"a=1;b=2", urlencoded, 400},
		"too much":                 {"a=" + strings.Repeat("x", 64<<10), urlencoded, 413},
		"JSON":                     {`{"email":"a"}`, "application/json", 415},
		"a form with files":        {"", "multipart/form-data; boundary=x", 415},
		"no media type":            {"a=1", "", 415},
	} {
		t.Run(name, func(t *testing.T) {
			form, err := page.Read(post(one.body, one.media))
			if form != nil || fault.Of(err) == nil {
				t.Fatalf("form %v, error %v: want a fault and no form", form, err)
			}
			w := httptest.NewRecorder()
			site(t, false).Fail(w, post("", ""), err)
			if w.Code != one.status {
				t.Errorf("status %d, want %d", w.Code, one.status)
			}
		})
	}
}

func TestTheQueryIsNoPartOfAForm(t *testing.T) {
	form, err := page.Read(post("other=1", urlencoded+"; charset=utf-8"))
	if err != nil {
		t.Fatal(err)
	}
	if form.Has("email") {
		t.Error("a field was taken from the address")
	}
}

func TestALineIsTrimmedComposedAndFreeOfControlCharacters(t *testing.T) {
	form := typed(t, "  か\u3099くと \u3000")
	if got := form.Text("it"); got != "がくと" || !form.OK() {
		t.Errorf("got %q, faults %v", got, form.Faults())
	}
	for name, text := range map[string]string{
		"line break": "a\nb", "carriage return": "a\rb: c", "nothing visible": "a\x00b", "C1 control": "a\u0085b", "line separator": "a\u2028b",
		"paragraph separator": "a\u2029b",
	} {
		t.Run(name, func(t *testing.T) {
			form := typed(t, text)
			if got := form.Text("it"); got != "" || faultOf(form) != "it page.field_control" {
				t.Errorf("got %q, fault %q", got, faultOf(form))
			}
		})
	}
}

func TestMarksThatTurnTheDirectionAreLeftOut(t *testing.T) {
	form := typed(t, "\u202a03-1234\u202c \u202egro.live\u2066\u200f")
	for _, got := range []string{form.Text("it"), form.Lines("it")} {
		if got != "03-1234 gro.live" || !form.OK() {
			t.Errorf("got %q, faults %v", got, form.Faults())
		}
	}
}

func TestAFieldHasALimitCountedInCharacters(t *testing.T) {
	form := typed(t, strings.Repeat("長", 1000))
	if form.Text("it") == "" || !form.OK() {
		t.Error("1,000 characters were refused")
	}
	form = typed(t, strings.Repeat("長", 1001))
	if form.Text("it") != "" || faultOf(form) != "it page.field_long" {
		t.Errorf("1,001 characters: fault %q", faultOf(form))
	}
	form = typed(t, strings.Repeat("x", 1001))
	if form.Secret("it", "ask") != "" || faultOf(form) != "it page.field_long" {
		t.Errorf("a password of 1,001 characters: fault %q", faultOf(form))
	}
}

func TestAMissingFieldIsAskedForOnce(t *testing.T) {
	form := typed(t, " \t ")
	form.Need("it", "ask.it")
	if faultOf(form) != "it ask.it" {
		t.Errorf("fault %q", faultOf(form))
	}
	form = typed(t, "a\nb")
	form.Need("it", "ask.it")
	if len(form.Faults()) != 1 || faultOf(form) != "it page.field_control" {
		t.Errorf("faults %v: what is wrong hides that nothing is left", form.Faults())
	}
}

func TestAPasswordIsTakenAsTyped(t *testing.T) {
	const odd = "  Pass か\u3099 word\t "
	form := typed(t, odd)
	if got := form.Secret("it", "ask"); got != odd || !form.OK() {
		t.Errorf("got %q", got)
	}
}

func TestACodeIsReadAsPeopleTypeAndPasteIt(t *testing.T) {
	for name, text := range map[string]string{
		"plain":                 "123456",
		"in groups":             "123 456",
		"with a hyphen":         "123-456",
		"with a dash":           "123–456",
		"full width":            "１２３４５６",
		"full width and blanks": "１２３　４５６",
		"a line break after it": "123456\r\n",
		"a line break in it":    "123\n456",
		"around it":             "\t 123456\u00a0",
		"a mark of direction":   "\u200e123456\u200f",
	} {
		t.Run(name, func(t *testing.T) {
			form := typed(t, text)
			if got := form.Code("it", 6, "ask"); got != "123456" || !form.OK() {
				t.Errorf("got %q, faults %v", got, form.Faults())
			}
		})
	}
}

func TestWhatIsNoCodeGetsItsMessage(t *testing.T) {
	for name, one := range map[string]struct{ text, fault string }{
		"nothing":         {"", "it ask"},
		"blanks":          {" \u3000 ", "it ask"},
		"too short":       {"12345", "it page.code_shape"},
		"too long":        {"1234567", "it page.code_shape"},
		"letters":         {"12345a", "it page.code_shape"},
		"other digits":    {"١٢٣٤٥٦", "it page.code_shape"},
		"oversized":       {strings.Repeat(" ", 300) + "123456", "it page.code_shape"},
		"a decimal point": {"123.456", "it page.code_shape"},
	} {
		t.Run(name, func(t *testing.T) {
			form := typed(t, one.text)
			if got := form.Code("it", 6, "ask"); got != "" || faultOf(form) != one.fault {
				t.Errorf("got %q, fault %q, want %q", got, faultOf(form), one.fault)
			}
		})
	}
}

func TestFaultsStandInTheOrderOfReading(t *testing.T) {
	form := typed(t, "")
	form.Need("second", "ask.second")
	form.Need("first", "ask.first")
	form.Add(nil)
	form.Add(fault.Field("", "whole"))
	var order bytes.Buffer
	for _, f := range form.Faults() {
		order.WriteString(f.Phrase + " ")
	}
	if order.String() != "ask.second ask.first whole " || form.OK() {
		t.Errorf("order %q", order.String())
	}
}

func TestAnErrorThatIsNoFaultTellsNothing(t *testing.T) {
	w := httptest.NewRecorder()
	site(t, false).Fail(w, httptest.NewRequest(http.MethodGet, "/", nil), errors.New("disk sda1 is full"))
	if w.Code != 500 || strings.Contains(w.Body.String(), "sda1") {
		t.Errorf("status %d, page %s", w.Code, w.Body)
	}
}

// What a database cannot do for a while is a 503 with a time to try again. Nothing was
// changed, says the page, unless nobody knows: that it says as well.
func TestADatabaseThatCannotDoItIsAnHonest503(t *testing.T) {
	for _, c := range []struct {
		err         error
		again, says string
		japanese    string
	}{
		{store.ErrBusy, "5", "Nothing was changed by this request. Please try again in 5 seconds.", "この操作による変更はありません。5秒ほどおいて"},
		{store.ErrAway, "10", "Nothing was changed by this request. Please try again in 10 seconds.", "この操作による変更はありません。10秒ほどおいて"},
		{store.ErrFull, "60", "Nothing was changed by this request.", "この操作による変更はありません。運用担当者が状況を確認できるようになっています。60秒ほどおいて"},
		{fmt.Errorf("%w (%w)", store.ErrUnsure, store.ErrAway), "10", "it may have been done or not", "処理が完了したかどうかを確認できません"},
	} {
		for lang, says := range map[string]string{"en": c.says, "ja": c.japanese} {
			w := httptest.NewRecorder()
			site(t, false).Fail(w, httptest.NewRequest(http.MethodPost, "/?lang="+lang, nil), fmt.Errorf("host db1: %w", c.err))
			body := w.Body.String()
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != c.again || !strings.Contains(body, says) || strings.Contains(body, "db1") {
				t.Errorf("%v: %d, Retry-After %q\n%s", c.err, w.Code, w.Header().Get("Retry-After"), body)
			}
			if errors.Is(c.err, store.ErrUnsure) && (strings.Contains(body, "Nothing was changed") || strings.Contains(body, "変更はありません")) {
				t.Errorf("it says that nothing was changed:\n%s", body)
			}
		}
	}
}

func faultOf(form *page.Form) string {
	if form.OK() {
		return ""
	}
	first := form.Faults()[0]
	return first.Field + " " + first.Phrase
}
