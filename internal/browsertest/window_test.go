package browsertest

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"nidan/internal/maintenance"
	"nidan/internal/phrase"
	"nidan/internal/store"
)

// windowScenes are the pages of maintenance and of the contact.
var windowScenes = []scene{
	{name: "windows-none", status: 200, lead: func(b *tab) { b.enter(b.staff()); b.open("/operator/windows") }},
	{name: "windows", status: 200, mixed: true, lead: func(b *tab) { b.windows(b.staff()); b.open("/operator/windows") }},
	{name: "windows-new", status: 200, lead: func(b *tab) { b.enter(b.staff()); b.open("/operator/windows/new") }},
	{name: "windows-wrong", status: 422, posted: true, lead: func(b *tab) {
		b.enter(b.staff())
		b.open("/operator/windows/new")
		b.fill("opens", "2018-03-02 22:00", "closes", "later")
	}},
	{name: "windows-check", status: 200, posted: true, lead: func(b *tab) {
		b.enter(b.staff())
		b.open("/operator/windows/new")
		b.fill("opens", "2018-03-25 22:00", "closes", "2018-03-25 24:00")
	}},
	{name: "windows-check-end", status: 422, posted: true, lead: func(b *tab) {
		b.enter(b.staff())
		b.maintain(ends.Add(-3*time.Hour), ends.Add(-time.Hour))
		b.open("/operator/windows/new")
		b.fill("opens", "2018-04-24 22:00", "closes", "2018-04-25 03:00")
		b.press(primary)
	}},
	{name: "windows-cancel", status: 200, lead: func(b *tab) {
		b.windows(b.staff())
		b.open("/operator/windows")
		b.press("td.acts a[href$=cancel]")
	}},
	{name: "windows-lift", status: 200, lead: func(b *tab) {
		o := b.staff()
		b.maintain(during.Add(time.Minute), during.Add(time.Hour), o)
		b.enter(o)
		b.later(2 * time.Minute)
		b.open("/operator/windows")
		b.press("td.acts a[href$=lift]")
	}},
	{name: "status", status: 200, lead: func(b *tab) { b.windows(nil); b.open("/status") }},
	{name: "status-none", status: 200, lead: func(b *tab) { b.now(during); b.open("/status?zone=Europe/Berlin") }},
	{name: "status-closed", status: 200, lead: func(b *tab) {
		b.maintain(opens, opens.Add(5*time.Hour))
		b.now(opens.Add(time.Hour))
		b.open("/status")
	}},
	{name: "contact", status: 200, lead: func(b *tab) { b.now(during); b.open("/contact") }},
	{name: "contact-later", status: 200, lead: func(b *tab) { b.now(during.Add(12 * time.Hour)); b.open("/contact?zone=Europe/Berlin") }},
	{name: "contact-wrong", status: 422, posted: true, lead: func(b *tab) {
		b.now(during)
		b.open("/contact")
		b.fill("email", "hanako", "name", "佐藤花子", "summary", "", "detail", "新しい電話で入れません。\nThe old phone is gone.")
	}},
	{name: "contact-sent", status: 200, posted: true, lead: func(b *tab) {
		b.now(during)
		b.open("/contact")
		b.fill("email", "hanako@aozora.example", "name", "佐藤花子", "summary", "I missed the end", "detail", "I was on leave.")
	}},
	{name: "contact-closed", status: 200, lead: func(b *tab) {
		b.maintain(opens, opens.Add(5*time.Hour))
		b.now(opens.Add(time.Hour))
		b.open("/contact")
	}},
	{name: "contact-zone-wrong", status: 422, lead: func(b *tab) { b.now(during); b.open("/contact?zone=Atlantis") }},
}

// windows are some of every kind; the operator, if there is one, is on their lists
// and signed in.
func (b *tab) windows(o *person) {
	b.Helper()
	var ids []string
	if o != nil {
		ids = append(ids, o.ID)
	}
	plan := func(from time.Time, length time.Duration) (w maintenance.Window) {
		b.write(func(ctx context.Context, tx *store.Tx) (err error) {
			w, err = maintenance.Plan(ctx, tx, from, from.Add(length), "console root", ids...)
			return err
		})
		return w
	}
	b.now(before)
	plan(opens, 5*time.Hour)
	early := plan(opens.Add(48*time.Hour), 4*time.Hour)
	gone := plan(during.Add(72*time.Hour), 2*time.Hour)
	plan(during.Add(100*time.Hour), 90*time.Minute)
	plan(ends.Add(48*time.Hour), 5*time.Hour)
	b.now(early.Opens.Add(time.Hour))
	b.write(func(ctx context.Context, tx *store.Tx) error { return maintenance.Lift(ctx, tx, early.ID, "test") })
	b.now(during)
	b.write(func(ctx context.Context, tx *store.Tx) error { return maintenance.Cancel(ctx, tx, gone.ID, "test") })
	if o != nil {
		b.enter(o)
	}
}

func TestThePagesOfMaintenanceAreWholeInBothLanguages(t *testing.T) {
	t.Parallel()
	for _, one := range windowScenes {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			b := build(t).tab(phrase.English)
			one.lead(b)
			b.examine(one)
			if one.posted {
				b = build(t).tab(phrase.Japanese)
				one.lead(b)
			} else {
				b.speak(phrase.Japanese)
				b.load(chromedp.Reload())
			}
			b.examine(one)
		})
	}
}
