package story

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"nidan/internal/account"
	"nidan/internal/maintenance"
	"nidan/internal/operator"
	"nidan/internal/organization"
	"nidan/internal/password"
	"nidan/internal/rollout"
	"nidan/internal/store"
	"nidan/internal/totp"
)

// commands are what a story can say. In values, @totp:EMAIL is the code that
// EMAIL's app shows now (@totp:EMAIL+1 the next step's), @mail:EMAIL the newest
// mailed code, @link:EMAIL the path of the newest mailed link, @reply:EMAIL the
// address to which the newest mail asks to answer, @letter:EMAIL its Message-ID, @setup the code of
// the key on the page shown, @hidden:FIELD what a hidden field on it holds, @kept what keep has read, @rollout within a path the
// newest rollout's id, @id:EMAIL within one an account's, @org:NAME an
// organization's, @network:ADDRESS a permitted network's.
var commands = map[string]func(*testscript.TestScript, bool, []string){
	"clock":        command(setClock),
	"organization": command(addOrganization),
	"account":      command(addAccount),
	"operator":     command(addOperator),
	"rollout":      command(addRollout),
	"extend":       command(extend),
	"guide":        command(guide),
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
	"bring":        command(bring),
	"rehearse":     command(func(s *stage, _ []string) error { return s.portal.Rehearse(context.Background()) }),
	"import":       command(func(s *stage, _ []string) error { return s.portal.Import(context.Background()) }),
	"upload":       command(upload),
	"restart":      command(func(s *stage, _ []string) error { s.end(); return s.serve() }),
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

// addAccount: account EMAIL org=… [admin] [name=…] [phone=…] [password=…] [imported] [totp] [bare] [lang=ja] [zone=…]
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
	_, bare := o["bare"] // never had a password
	return s.write(func(ctx context.Context, tx *store.Tx) error {
		a, err := account.Add(ctx, tx, s.keys, a, "story")
		if err != nil {
			return err
		}
		s.accounts[a.Email] = a
		if bare {
			return nil
		}
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

var (
	tags        = regexp.MustCompile(`(?s)<(script|style|svg|head).*?</(script|style|svg|head)>|<[^>]*>`)
	blanks      = regexp.MustCompile(`\s+`)
	codeText    = regexp.MustCompile(`(?m)^\s+(\d{4} \d{4})\s*$`)
	linkText    = regexp.MustCompile(`https?://[^\s/]+(/\S+)`)
	networkText = regexp.MustCompile(`@network:([^/]+)`)
	orgText     = regexp.MustCompile(`@org:([^/,=&?%]+)`)
	idText      = regexp.MustCompile(`@id:([^/,=&?%]+)`)
	keyText     = regexp.MustCompile(`secret=([A-Z2-7]+)`)
)
