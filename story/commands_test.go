package story

import (
	"context"
	"encoding/base32"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/maintenance"
	"nidan/internal/operator"
	"nidan/internal/organization"
	"nidan/internal/password"
	"nidan/internal/progress"
	"nidan/internal/rollout"
	"nidan/internal/store"
	"nidan/internal/totp"
)

// commands are what a story can say. In values, @totp:EMAIL is the code that
// EMAIL's app shows now (@totp:EMAIL+1 the next step's), @mail:EMAIL the newest
// mailed code, @link:EMAIL the path of the newest mailed link, @setup the code of
// the key on the page shown, @kept what keep has read, @rollout within a path the
// newest rollout's id, @id:EMAIL within one an account's, @org:NAME an
// organization's.
var commands = map[string]func(*testscript.TestScript, bool, []string){
	"clock":        command(setClock),
	"organization": command(addOrganization),
	"account":      command(addAccount),
	"operator":     command(addOperator),
	"rollout":      command(addRollout),
	"extend":       command(extend),
	"window":       command(addWindow),
	"suspend":      command(suspend),
	"rows":         command(rows),
	"failing":      command(func(s *stage, args []string) error { s.failing = args[0] == "yes"; return nil }),
	"assign":       command(assign),
	"browser":      command(func(s *stage, args []string) error { s.browser = strings.Join(args, " "); return nil }),
	"ja":           command(func(s *stage, _ []string) error { return s.get("/signin?lang=ja") }),
	"get":          command(func(s *stage, args []string) error { return s.get(args[0]) }),
	"post":         command(post),
	"follow":       command(func(s *stage, _ []string) error { return s.get(s.location) }),
	"status":       command(status),
	"mail":         command(mailed),
	"rehearse":     command(func(s *stage, _ []string) error { return s.portal.Rehearse(context.Background()) }),
	"import":       command(func(s *stage, _ []string) error { return s.portal.Import(context.Background()) }),
	"upload":       command(upload),
	"restart":      command(func(s *stage, _ []string) error { s.server.Close(); s.portal.Pool.Close(); return s.serve() }),
	"count":        command(count),
	"verify":       command(verify),
	"keep":         command(keep),
	"remind":       command(remind),
	"see": func(ts *testscript.TestScript, not bool, args []string) {
		s := ts.Value(storyKey{}).(*stage)
		for _, text := range args {
			if strings.Contains(s.text(), text) == not {
				ts.Fatalf("see %q: wanted %v; the page (status %d):\n%s", text, !not, s.status, s.text())
			}
		}
	},
}

func command(do func(*stage, []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, not bool, args []string) {
		err := do(ts.Value(storyKey{}).(*stage), args)
		if (err != nil) != not {
			if err == nil {
				err = fmt.Errorf("it was expected to fail")
			}
			ts.Fatalf("%v", err)
		}
	}
}

func setClock(s *stage, args []string) error {
	if span, err := time.ParseDuration(args[0]); err == nil {
		s.clock.Set(s.clock.Raw().Add(span))
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, args[0])
	if err == nil {
		s.clock.Set(at)
	}
	return err
}

func (s *stage) write(do func(ctx context.Context, tx *store.Tx) error) error {
	return s.db.Write(context.Background(), do)
}

func addOrganization(s *stage, args []string) error {
	return s.write(func(ctx context.Context, tx *store.Tx) error {
		o, err := organization.Add(ctx, tx, args[0])
		s.orgs[args[0]] = o.ID
		return err
	})
}

// options reads key=value arguments.
func options(args []string) map[string]string {
	values := map[string]string{}
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		values[key] = value
	}
	return values
}

// addAccount: account EMAIL org=… [admin] [name=…] [phone=…] [password=…] [imported] [totp] [lang=ja] [zone=…]
func addAccount(s *stage, args []string) error {
	o := options(args[1:])
	a := account.Account{Ref: account.Ref{Organization: s.orgs[o["org"]]}, Email: args[0], Name: or(o["name"], args[0]),
		Phone: or(o["phone"], "0312345678"), Authority: account.GeneralUser, Language: "en", Zone: or(o["zone"], "Asia/Tokyo")}
	if o["lang"] == "ja" {
		a.Language = "ja"
	}
	if _, ok := o["admin"]; ok {
		a.Authority = account.PortalAdmin
	}
	if _, ok := o["imported"]; ok {
		a.Imported = s.clock.Now()
	}
	hash, err := s.portal.Pool.Hash(context.Background(), or(o["password"], "correct horse battery"))
	if err != nil {
		return err
	}
	_, enrolled := o["totp"]
	return s.write(func(ctx context.Context, tx *store.Tx) error {
		a, err := account.Add(ctx, tx, s.keys, a, "story")
		if err != nil {
			return err
		}
		s.accounts[a.Email] = a
		if err := password.Set(ctx, tx, a.Ref, hash, password.Changed); err != nil || !enrolled {
			return err
		}
		if err := s.enroll(ctx, tx, a.Email, a.Ref); err != nil {
			return err
		}
		return rollout.FinishGrace(ctx, tx, s.keys, a, "enrolled", "story")
	})
}

func (s *stage) enroll(ctx context.Context, tx *store.Tx, email string, ref account.Ref) error {
	s.secrets[email] = totp.NewSecret()
	return totp.Enroll(ctx, tx, s.keys, ref, s.secrets[email], 0, 0)
}

func addOperator(s *stage, args []string) error {
	hash, err := s.portal.Pool.Hash(context.Background(), "correct horse battery")
	if err != nil {
		return err
	}
	return s.write(func(ctx context.Context, tx *store.Tx) error {
		o, err := operator.Add(ctx, tx, operator.Operator{Email: args[0], Name: args[0], Language: "en", Zone: "Asia/Tokyo"}, "story")
		if err != nil {
			return err
		}
		s.ops[args[0]] = o
		if err := password.Set(ctx, tx, o.Ref(), hash, password.Changed); err != nil {
			return err
		}
		return s.enroll(ctx, tx, args[0], o.Ref())
	})
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// addRollout: rollout OPENS ENDS [ORGANIZATION]
func addRollout(s *stage, args []string) error {
	opens, err := time.Parse(time.RFC3339, args[0])
	if err != nil {
		return err
	}
	ends, err := time.Parse(time.RFC3339, args[1])
	if err != nil {
		return err
	}
	org := ""
	if len(args) > 2 {
		org = s.orgs[args[2]]
	}
	return s.write(func(ctx context.Context, tx *store.Tx) error {
		p, err := rollout.Save(ctx, tx, rollout.Plan{Organization: org, Opens: opens, Ends: ends, Reminders: rollout.Usual}, "story")
		s.rollouts = append(s.rollouts, p.ID)
		return err
	})
}

// extend: extend EMAIL UNTIL
func extend(s *stage, args []string) error {
	until, err := time.Parse(time.RFC3339, args[1])
	if err != nil {
		return err
	}
	return s.write(func(ctx context.Context, tx *store.Tx) error {
		return rollout.Extend(ctx, tx, s.rollouts[len(s.rollouts)-1], s.accounts[args[0]].Ref, until, "story", "story")
	})
}

// addWindow: window OPENS CLOSES [OPERATOR…]
func addWindow(s *stage, args []string) error {
	opens, err := time.Parse(time.RFC3339, args[0])
	if err != nil {
		return err
	}
	closes, err := time.Parse(time.RFC3339, args[1])
	if err != nil {
		return err
	}
	var ids []string
	for _, email := range args[2:] {
		ids = append(ids, s.ops[email].ID)
	}
	return s.write(func(ctx context.Context, tx *store.Tx) error {
		_, err := maintenance.Plan(ctx, tx, opens, closes, "story", ids...)
		return err
	})
}

// assign: assign EMAIL METHOD, as a Portal Admin would.
func assign(s *stage, args []string) error {
	return s.write(func(ctx context.Context, tx *store.Tx) error {
		return account.Assign(ctx, tx, s.accounts[args[0]].Ref, account.Method(args[1]), "story")
	})
}

func suspend(s *stage, args []string) error {
	return s.write(func(ctx context.Context, tx *store.Tx) error {
		return account.Suspend(ctx, tx, s.accounts[args[0]].Ref, "story")
	})
}

// keep: keep PATTERN: what a regular expression finds on the page, as @kept.
func keep(s *stage, args []string) error {
	s.kept = regexp.MustCompile(args[0]).FindString(s.text())
	if s.kept == "" {
		return fmt.Errorf("%s is not on the page:\n%s", args[0], s.text())
	}
	return nil
}

func (s *stage) get(path string) error {
	path, err := s.value(path)
	if err != nil {
		return err
	}
	r, err := http.NewRequest(http.MethodGet, origin(s.server).ResolveReference(must(path)).String(), nil)
	if err != nil {
		return err
	}
	return s.do(r)
}

func must(path string) *url.URL {
	u, err := url.Parse(path)
	if err != nil {
		return &url.URL{Path: path}
	}
	return u
}

// post: post PATH field=value…
func post(s *stage, args []string) error {
	form := url.Values{}
	for _, arg := range args[1:] {
		key, value, _ := strings.Cut(arg, "=")
		value, err := s.value(value)
		if err != nil {
			return err
		}
		if key, err = s.value(key); err != nil {
			return err
		}
		form.Add(key, value)
	}
	path, err := s.value(args[0])
	if err != nil {
		return err
	}
	r, err := http.NewRequest(http.MethodPost, origin(s.server).ResolveReference(must(path)).String(), strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", s.server.URL)
	return s.do(r)
}

func (s *stage) do(r *http.Request) error {
	answer, err := s.client().Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	s.status, s.location, s.header, s.body = answer.StatusCode, answer.Header.Get("Location"), answer.Header, string(body)
	if s.status >= 500 && s.status != http.StatusServiceUnavailable && !s.failing {
		return fmt.Errorf("%s %s answered %d", r.Method, r.URL.Path, s.status)
	}
	return s.portal.Post.Drain(context.Background())
}

// status: status CODE [LOCATION], or header Retry-After with status 429 SECONDS
func status(s *stage, args []string) error {
	if strconv.Itoa(s.status) != args[0] {
		return fmt.Errorf("status %d, wanted %s; location %q; the page:\n%s", s.status, args[0], s.location, s.text())
	}
	if len(args) < 2 {
		return nil
	}
	want, err := s.value(args[1])
	if err != nil {
		return err
	}
	if got := or(s.location, s.header.Get("Retry-After")); got != want {
		return fmt.Errorf("went to %q, wanted %q", got, want)
	}
	return nil
}

var (
	tags     = regexp.MustCompile(`(?s)<(script|style|svg|head).*?</(script|style|svg|head)>|<[^>]*>`)
	blanks   = regexp.MustCompile(`\s+`)
	codeText = regexp.MustCompile(`(?m)^\s+(\d{4} \d{4})\s*$`)
	linkText = regexp.MustCompile(`https?://[^\s/]+(/\S+)`)
	orgText  = regexp.MustCompile(`@org:([^/,=&?%]+)`)
	idText   = regexp.MustCompile(`@id:([^/,=&?%]+)`)
	keyText  = regexp.MustCompile(`secret=([A-Z2-7]+)`)
)

// text is the page as it is read.
func (s *stage) text() string {
	return blanks.ReplaceAllString(html.UnescapeString(tags.ReplaceAllString(s.body, " ")), " ")
}

// value resolves what stands for a code, a link or a key.
func (s *stage) value(v string) (string, error) {
	if strings.Contains(v, "@rollout") {
		var id string
		err := s.db.QueryRow(context.Background(), "select id from rollout order by planned_at desc, id desc limit 1").Scan(&id)
		return strings.ReplaceAll(v, "@rollout", id), err
	}
	if found := orgText.FindStringSubmatch(v); found != nil {
		v = strings.Replace(v, found[0], s.orgs[found[1]], 1)
	}
	v = idText.ReplaceAllStringFunc(v, func(name string) string { return s.accounts[strings.TrimPrefix(name, "@id:")].ID })
	name, rest, _ := strings.Cut(v, ":")
	switch name {
	case "@kept":
		return s.kept, nil
	case "@totp":
		email, plus, _ := strings.Cut(rest, "+")
		offset, _ := strconv.Atoi(or(plus, "0"))
		if before, minus, ok := strings.Cut(rest, "-"); ok {
			email = before
			offset, _ = strconv.Atoi("-" + minus)
		}
		key, ok := s.secrets[email]
		if !ok {
			return "", fmt.Errorf("%s has no app", email)
		}
		return totp.Code(key, totp.Step(s.clock.Now())+int64(offset)), nil
	case "@mail":
		m, ok := s.mailbox.latest(rest, "")
		code := codeText.FindStringSubmatch(m.Text)
		if !ok || code == nil {
			return "", fmt.Errorf("no code was mailed to %s; the newest mail: %q", rest, m.Text)
		}
		return code[1], nil
	case "@link":
		m, ok := s.mailbox.latest(rest, "http")
		link := linkText.FindStringSubmatch(m.Text)
		if !ok || link == nil {
			return "", fmt.Errorf("no link was mailed to %s; the newest mail: %q", rest, m.Text)
		}
		return link[1], nil
	case "@setup":
		found := keyText.FindStringSubmatch(html.UnescapeString(s.body))
		if found == nil {
			return "", fmt.Errorf("there is no key on the page:\n%s", s.text())
		}
		key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(found[1])
		if rest != "" {
			s.secrets[rest] = key
		}
		return totp.Code(key, totp.Step(s.clock.Now())), err
	}
	return v, nil
}

// mailed: mail EMAIL TEXT…: the newest mail to EMAIL with the first text holds all of them.
func mailed(s *stage, args []string) error {
	m, ok := s.mailbox.latest(args[0], args[1])
	if !ok {
		newest, _ := s.mailbox.latest(args[0], "")
		return fmt.Errorf("no mail to %s has %q; the newest: %s\n%s", args[0], args[1], newest.Subject, newest.Text)
	}
	for _, text := range args[1:] {
		if !strings.Contains(m.Text, text) && !strings.Contains(m.Subject, text) {
			return fmt.Errorf("the mail to %s lacks %q:\n%s\n%s", args[0], text, m.Subject, m.Text)
		}
	}
	return nil
}

// count: count N WHERE…: how many rows a condition finds, such as "second_step where door = 'signin'".
func count(s *stage, args []string) error {
	var n int
	if err := s.db.QueryRow(context.Background(), "select count(*) from "+s.named(args[1])).Scan(&n); err != nil {
		return err
	}
	if strconv.Itoa(n) != args[0] {
		return fmt.Errorf("%d rows of %s, wanted %s", n, args[1], args[0])
	}
	return nil
}

// rows: rows N STATEMENT changes rows behind the portal's back, as a restore, a slip
// or another program would; N are concerned. @account:EMAIL is an account's id.
func rows(s *stage, args []string) error {
	text := s.named(args[1])
	return s.write(func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.Exec(ctx, text)
		if err == nil && strconv.FormatInt(n, 10) != args[0] {
			err = fmt.Errorf("%d rows were concerned, not %s: %s", n, args[0], text)
		}
		return err
	})
}

// named puts the ids of accounts into a statement.
func (s *stage) named(text string) string {
	return accountID.ReplaceAllStringFunc(text, func(name string) string {
		return "'" + s.accounts[strings.TrimPrefix(name, "@account:")].ID + "'"
	})
}

var accountID = regexp.MustCompile(`@account:[^\s',)]+`)

// remind lets the letters of rollouts be written that are due, and sent.
func remind(s *stage, _ []string) error {
	if _, err := progress.Fold(context.Background(), s.db); err != nil {
		return err
	}
	if err := s.portal.Remind(context.Background()); err != nil {
		return err
	}
	return s.portal.Post.Drain(context.Background())
}

// verify holds the audit chains against their digests.
func verify(s *stage, _ []string) error {
	report, err := audit.Verify(context.Background(), s.db, s.keys, func(int64, int64) {})
	if err == nil && len(report.Broken) > 0 {
		err = fmt.Errorf("the record is broken: %v", report.Broken)
	}
	return err
}
