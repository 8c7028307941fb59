package importing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/mail"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/pass"
	"nidan/internal/password"
	"nidan/internal/rollout"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Desk is what an import works with.
type Desk struct {
	DB      *store.DB
	Keys    *secret.Keys
	Site    *page.Site
	BaseURL string // of the portal, without a slash at its end
	Wake    func() // letters wait in the outbox
	Log     *slog.Logger
}

// Doer is whose deed an import is.
type Doer struct {
	By      string // as columns keep it
	Actor   audit.Actor
	Network string
}

// batch is rows that were decided, with all that is written of them, sealed and ready
// before the transaction begins.
type batch struct {
	organizations map[string]organization.Organization // by the keys of their names
	names         []string
	made          []string // keys of those that this batch makes
	accounts      []account.Account
	old           []password.Old
	guides        []pass.Draft
	letters       []mail.Ready
	later         []rollout.NewEnd
	ends          []judged
	lines         []Line
	parts         map[string]*part // by organization
	first, last   int64            // lines
	tally         Tally
}

// part is what the record of one organization says of a batch.
type part struct {
	rows   int
	digest []byte
}

// prepare makes a batch of rows that were decided.
func (d *Desk) prepare(list []judged, made map[string]string, t Tally) (*batch, error) {
	b := &batch{organizations: map[string]organization.Organization{}, parts: map[string]*part{}, tally: t.clone()}
	guides := &pass.Desk{Keys: d.Keys, Site: d.Site, BaseURL: d.BaseURL}
	for _, one := range list {
		b.tally.count(one.Verdict, one.key, one.Cells[Organization])
		if one.Outcome != Added {
			b.lines = append(b.lines, one.line())
			continue
		}
		if _, ok := b.organizations[one.key]; !ok {
			b.organizations[one.key] = one.org
			b.names = append(b.names, one.key)
			if made[one.key] == one.org.ID {
				b.made = append(b.made, one.key)
				b.tally.begun(one.key, one.org.Name)
			}
		}
		if err := b.add(d, guides, one); err != nil {
			return nil, err
		}
	}
	if len(list) > 0 {
		b.first, b.last = list[0].Row.Line, list[len(list)-1].Row.Line
	}
	return b, nil
}

// add makes all rows of one new account.
func (b *batch) add(d *Desk, guides *pass.Desk, one judged) error {
	a := one.Account
	a.ID = secret.ID()
	b.accounts = append(b.accounts, a)
	b.sum(one)
	if !one.Until.IsZero() {
		b.later = append(b.later, rollout.NewEnd{Plan: one.Plan, Ref: a.Ref, Until: one.Until})
		b.ends = append(b.ends, one)
	}
	if one.Hash != "" {
		old, err := password.Seal(d.Keys, a.Ref, one.Hash)
		b.old = append(b.old, old)
		return err
	}
	now := d.Site.Now()
	draft := pass.NewDraft(a.Ref, now)
	letter := guides.GuideLetter(a, draft.Token, draft.Pass, pass.ByImport, "")
	letter.Lane = mail.Bulk
	ready, err := mail.Prepare(d.Keys, letter, now)
	b.guides, b.letters = append(b.guides, draft), append(b.letters, ready)
	return err
}

// sum adds a row to the digest of its organization's part: all of it but the hash.
func (b *batch) sum(one judged) {
	p := b.parts[one.org.ID]
	if p == nil {
		p = &part{}
		b.parts[one.org.ID] = p
	}
	sum := sha256.New()
	sum.Write(p.digest)
	for c, cell := range one.Cells {
		if Column(c) != Hash {
			sum.Write([]byte(strconv.Itoa(len(cell)) + ":" + cell))
		}
	}
	p.rows, p.digest = p.rows+1, sum.Sum(nil)
}

// write writes a batch, and how far the run has come, in one transaction.
func (d *Desk) write(ctx context.Context, run Run, b *batch, who Doer) error {
	return d.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		run.Tally = b.tally
		if err := keep(ctx, tx, run); err != nil {
			return err
		}
		if err := fresh(ctx, tx, b); err != nil {
			return err
		}
		entries, err := b.begin(ctx, tx, run, who)
		if err != nil {
			return err
		}
		for _, do := range []func() error{
			func() error { return account.AddMany(ctx, tx, d.Keys, b.accounts, who.By) },
			func() error { return password.Import(ctx, tx, b.old...) },
			func() error {
				return pass.GiveDrafts(ctx, tx, b.guides, pass.Given{By: who.By, Why: "import " + run.ID})
			},
			func() error { return mail.QueueAll(ctx, tx, b.letters) },
			func() error { return rollout.ExtendNew(ctx, tx, b.later, "import "+run.ID, who.By) },
			func() error { return note(ctx, tx, run.ID, b.lines) },
			func() error { return audit.Record(ctx, tx, d.Keys, entries...) },
		} {
			if err := do(); err != nil {
				return err
			}
		}
		return nil
	})
}

// begin makes the organizations that are not there yet, and answers the records of the
// batch: of each organization one that it was added, and one of its rows.
func (b *batch) begin(ctx context.Context, tx *store.Tx, run Run, who Doer) (entries []audit.Entry, err error) {
	for _, key := range b.made {
		o, err := organization.AddAs(ctx, tx, b.organizations[key].ID, b.organizations[key].Name)
		if err != nil {
			return nil, err
		}
		entries = append(entries, audit.Entry{Chain: o.ID, Act: "organization:name:added", Actor: who.Actor, Subject: o.ID, Network: who.Network,
			Detail: map[string]string{"name": o.Name, "import": run.ID}})
	}
	for _, id := range slices.Sorted(maps.Keys(b.parts)) {
		entries = append(entries, audit.Entry{Chain: id, Act: "organization:accounts:imported", Actor: who.Actor, Subject: id, Network: who.Network,
			Detail: map[string]string{"import": run.ID, "rows": strconv.Itoa(b.parts[id].rows), "digest": hex.EncodeToString(b.parts[id].digest),
				"lines": fmt.Sprintf("%d–%d", b.first, b.last)}})
	}
	return entries, nil
}
