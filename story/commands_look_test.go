package story

import (
	"context"
	"encoding/base32"
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/organization"
	"nidan/internal/progress"
	"nidan/internal/store"
	"nidan/internal/totp"
)

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

// organizationID is the id of an organization that a story added, or a page.
func (s *stage) organizationID(name string) string {
	if id := s.orgs[name]; id != "" {
		return id
	}
	o, _ := organization.ByName(context.Background(), s.db, name) // none has no id, and its page is not found
	return o.ID
}

// accountID is the id of an account that a story added, or a page.
func (s *stage) accountID(email string) string {
	if a, ok := s.accounts[email]; ok {
		return a.ID
	}
	ref, _ := account.Holder(context.Background(), s.db, account.Key(email))
	return ref.ID
}

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
	if found := networkText.FindStringSubmatch(v); found != nil {
		var id string
		err := s.db.QueryRow(context.Background(), "select id from network where prefix like $1", found[1]+"/%").Scan(&id)
		if err != nil {
			return "", err
		}
		v = strings.Replace(v, found[0], id, 1)
	}
	if found := orgText.FindStringSubmatch(v); found != nil {
		v = strings.Replace(v, found[0], s.organizationID(found[1]), 1)
	}
	v = idText.ReplaceAllStringFunc(v, func(name string) string { return s.accountID(strings.TrimPrefix(name, "@id:")) })
	name, rest, _ := strings.Cut(v, ":")
	switch name {
	case "@kept":
		return s.kept, nil
	case "@hidden":
		found := regexp.MustCompile(`name="` + regexp.QuoteMeta(rest) + `" value="([^"]*)"`).FindStringSubmatch(s.body)
		if found == nil {
			return "", fmt.Errorf("there is no hidden field %s on the page:\n%s", rest, s.text())
		}
		return html.UnescapeString(found[1]), nil
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
	case "@reply":
		m, _ := s.mailbox.latest(rest, "")
		if m.ReplyTo == "" {
			return "", fmt.Errorf("the newest mail to %s asks for no answer: %q", rest, m.Subject)
		}
		return m.ReplyTo, nil
	case "@letter":
		m, _ := s.mailbox.latest(rest, "")
		return m.MessageID, nil
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
