package demo

import (
	"encoding/base32"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"nidan/internal/page"
	"nidan/internal/totp"
)

// A browser is a phone here: the keys that were added by hand are in its cookie.
const (
	keysCookie = "demo_keys"
	mostKeys   = 8
	keptKeys   = 30 * day
	leastKey   = 10 // bytes; the portal's own have 20
	mostKey    = 64
)

type authenticatorView struct {
	page.View
	Left     time.Duration // until the codes change
	Added    []shownCode   // by hand, in this browser
	Accounts []shownCode
}

type shownCode struct {
	Name, Organization, Email string
	Key                       string // of one added by hand: how it begins
	Code                      string
	Spent                     bool // used already: the next one works
}

// authenticator is everybody's app: all codes of this moment.
func (rm *Room) authenticator(w http.ResponseWriter, r *http.Request) error {
	now := rm.Clock.Now()
	list, err := enrolledApps(r.Context(), rm.DB, rm.Keys)
	if err != nil {
		return err
	}
	step := totp.Step(now)
	view := &authenticatorView{Left: totp.StepStart(step + 1).Sub(now)}
	view.Refresh = int(view.Left/time.Second) + 1
	for _, text := range keysOf(r) {
		key, ok := readKey(text)
		if ok && !slices.ContainsFunc(list, func(a authApp) bool { return string(a.key) == string(key) }) {
			view.Added = append(view.Added, shownCode{Key: text[:4], Code: totp.Code(key, step)})
		}
	}
	for _, a := range list {
		view.Accounts = append(view.Accounts, shownCode{Name: a.name, Organization: a.organization, Email: a.email,
			Code: totp.Code(a.key, step), Spent: a.last >= step})
	}
	return rm.pages.Show(w, r, http.StatusOK, "authenticator", "demo.authenticator_title", view)
}

// codeJSON is one account's code for programs.
type codeJSON struct {
	Email string `json:"email"`
	Code  string `json:"code"`
}

// authenticatorJSON is all codes of this moment for programs.
func (rm *Room) authenticatorJSON(w http.ResponseWriter, r *http.Request) error {
	now := rm.Clock.Now()
	list, err := enrolledApps(r.Context(), rm.DB, rm.Keys)
	if err != nil {
		return err
	}
	codes := make([]codeJSON, 0, len(list))
	for _, a := range list {
		codes = append(codes, codeJSON{Email: a.email, Code: totp.Code(a.key, totp.Step(now))})
	}
	return answer(w, map[string]any{"now": now, "accounts": codes})
}

type newKeyView struct {
	page.View
	Key string
}

func (rm *Room) newKey(w http.ResponseWriter, r *http.Request) error {
	return rm.pages.Show(w, r, http.StatusOK, "add", "demo.add_title", &newKeyView{})
}

// addKey adds an account by the key that a set-up page shows, as an app does.
func (rm *Room) addKey(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	view := &newKeyView{Key: form.Need("key", "demo.key_missing")}
	key, ok := readKey(view.Key)
	if !ok && form.OK() {
		form.Fault("key", "demo.key_shape")
	}
	if !form.OK() {
		view.Faults = form.Faults()
		return rm.pages.Show(w, r, http.StatusUnprocessableEntity, "add", "demo.add_title", view)
	}
	keys := slices.DeleteFunc(keysOf(r), func(old string) bool { return old == totp.Text(key) })
	keys = append([]string{totp.Text(key)}, keys...)
	rm.Site.SetCookie(w, keysCookie, strings.Join(keys[:min(len(keys), mostKeys)], "."), keptKeys)
	return page.See(w, "/demo/authenticator")
}

// keysOf are the keys in a browser, those that can be read.
func keysOf(r *http.Request) []string {
	cookie, err := r.Cookie(keysCookie)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(strings.Split(cookie.Value, "."), func(text string) bool {
		_, ok := readKey(text)
		return !ok
	})
}

// readKey reads a key as a set-up page shows it, in groups or not, or its whole
// otpauth: link.
func readKey(typed string) (key []byte, ok bool) {
	if link, err := url.Parse(strings.TrimSpace(typed)); err == nil && link.Scheme == "otpauth" {
		typed = link.Query().Get("secret")
	}
	text := strings.Map(func(c rune) rune {
		if c == ' ' || c == '-' || c == '=' {
			return -1
		}
		return c
	}, strings.ToUpper(typed))
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	return key, err == nil && len(key) >= leastKey && len(key) <= mostKey
}
