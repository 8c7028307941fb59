package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/maintenance"
	"nidan/internal/operator"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/store"
	"nidan/internal/web"
)

// caretaking is a portal opened for what is done to its maintenance windows.
type caretaking struct {
	*portal
	maintenance.Deed
	book  *phrase.Book
	staff []operator.Operator
}

func takeCare(ctx context.Context, c *Console, settings Settings) (*caretaking, error) {
	cfg, err := settings.load(c)
	if err != nil {
		return nil, err
	}
	book, err := phrase.NewBook(web.Words()...)
	if err != nil {
		return nil, err
	}
	p, err := open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	site, err := page.New(book, slog.New(slog.DiscardHandler), page.Options{Name: cfg.Name, House: cfg.HouseZone, Now: p.clk.Now})
	if err == nil {
		var staff []operator.Operator
		if staff, err = operator.All(ctx, p.db); err == nil {
			return &caretaking{p, maintenance.Deed{Keys: p.keys, Site: site, By: c.by(), Name: c.User, Actor: c.actor()}, book, staff}, nil
		}
	}
	p.close()
	return nil, err
}

// refused is what a refusal says to whoever is at the console, each on a line.
func (t *caretaking) refused(err error) error {
	var wrong maintenance.Refusals
	var lines []string
	switch f := fault.Of(err); {
	case errors.As(err, &wrong):
		for _, one := range wrong {
			lines = append(lines, t.book.Say(phrase.English, one.Phrase))
		}
	case f != nil:
		lines = append(lines, t.book.Say(phrase.English, f.Phrase, f.Args...))
	default:
		return err
	}
	return errors.New(strings.Join(lines, "\n"))
}

// plannedWindow is a maintenance window, for programs.
type plannedWindow struct {
	ID         string     `json:"id"`
	Opens      time.Time  `json:"opens"`
	Closes     time.Time  `json:"closes"`
	Phase      string     `json:"phase"`
	Operators  []string   `json:"operators"` // mail addresses
	Planned    time.Time  `json:"planned"`
	By         string     `json:"planned_by"`
	LiftedFrom *time.Time `json:"lifted_from,omitempty"`
	Cancelled  *time.Time `json:"cancelled,omitempty"`
}

func (t *caretaking) window(w maintenance.Window) plannedWindow {
	out := plannedWindow{ID: w.ID, Opens: w.Opens, Closes: w.Closes, Phase: string(w.At(t.clk.Now())), Operators: []string{}, Planned: w.Planned, By: w.By}
	for _, o := range t.staff {
		if w.Lists(o.ID) {
			out.Operators = append(out.Operators, o.Email)
		}
		if o.ID == w.By {
			out.By = o.Email
		}
	}
	if !w.LiftedFrom.IsZero() {
		out.LiftedFrom = &w.LiftedFrom
	}
	if !w.Cancelled.IsZero() {
		out.Cancelled = &w.Cancelled
	}
	return out
}

func (t *caretaking) show(c *Console, w maintenance.Window) {
	zones, one := phrase.Zones{House: t.HouseZone}, t.window(w)
	c.say("Window %s: %s", w.ID, t.book.Say(phrase.English, "maintenance.phase_"+one.Phase))
	c.say("  opens      %s", zones.Moment(phrase.English, w.Opens))
	c.say("  closes     %s", zones.End(phrase.English, w.Closes))
	who := strings.Join(one.Operators, ", ")
	if who == "" {
		who = "nobody"
	}
	c.say("  may enter  %s", who)
}

type maintenancePlanCommand struct {
	Settings
	Asked
	Opens    string   `required:"" placeholder:"TIME" help:"When every door closes: RFC 3339, or a time in the house zone."`
	Closes   string   `required:"" placeholder:"TIME" help:"When the portal opens again by itself; 24:00 is the end of a day."`
	Operator []string `sep:"none" placeholder:"ADDRESS" help:"Mail address of an operator who may enter meanwhile; can be given more than once."`
	Meant    bool     `help:"Plan it although an end of 1-step sign-in falls into it."`
}

// Help says more than one line.
func (maintenancePlanCommand) Help() string {
	return `Plans a maintenance window: from its opening to its close nobody can sign in and nothing can be done, but by the operators it names. It is shown on the sign-in page and the dashboards from a week before, and it ends by itself. The operators are told by mail, and the record keeps who did it.

Example:

	nidan maintenance plan --opens '2018-03-04 00:00' --closes '2018-03-04 05:00' --operator mika@example.com`
}

// Run plans.
func (cmd maintenancePlanCommand) Run(ctx context.Context, c *Console) error {
	t, err := takeCare(ctx, c, cmd.Settings)
	if err != nil {
		return err
	}
	defer t.close()
	opens, err1 := when("--opens", cmd.Opens, t.HouseZone)
	closes, err2 := when("--closes", cmd.Closes, t.HouseZone)
	ids, err3 := t.listed(cmd.Operator)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	w := maintenance.Window{Opens: opens, Closes: closes, Operators: ids}
	swallowed, err := t.swallowed(ctx, w)
	if err != nil {
		return err
	}
	if maintenance.AsksBack(swallowed) && !cmd.Meant {
		return fmt.Errorf("an end falls into this window; --meant plans it all the same:\n%s", t.marks(swallowed))
	}
	err = t.db.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		w, err = t.Plan(ctx, tx, w)
		return err
	})
	if err != nil {
		return t.refused(err)
	}
	if cmd.JSON {
		return c.print(t.window(w))
	}
	t.show(c, w)
	if len(swallowed) > 0 {
		c.say("What falls into it:\n%s", t.marks(swallowed))
	}
	return nil
}

// listed are the ids of operators by their addresses, each once.
func (t *caretaking) listed(addresses []string) (ids []string, err error) {
	for _, address := range addresses {
		at := slices.IndexFunc(t.staff, func(o operator.Operator) bool { return account.Key(o.Email) == account.Key(address) })
		switch {
		case at < 0:
			err = errors.Join(err, fmt.Errorf("--operator: no operator signs in with %s", address))
		case !slices.Contains(ids, t.staff[at].ID):
			ids = append(ids, t.staff[at].ID)
		}
	}
	return ids, err
}

func (t *caretaking) swallowed(ctx context.Context, w maintenance.Window) ([]maintenance.Mark, error) {
	marks, err := web.Marks(t.HouseZone)(ctx, t.db, w.Opens, w.Closes)
	return maintenance.Swallowed(w, marks), err
}

// marks are what a window swallows, a line each.
func (t *caretaking) marks(list []maintenance.Mark) string {
	zones := phrase.Zones{House: t.HouseZone}
	var lines []string
	for _, m := range list {
		key := "maintenance.mark_" + string(m.What)
		switch {
		case m.N > 0:
			key += "_own"
		case m.Whose != "":
			key += "_of"
		}
		at := zones.Moment(phrase.English, m.At)
		if m.What == maintenance.End {
			at = zones.End(phrase.English, m.At)
		}
		lines = append(lines, "  "+t.book.Say(phrase.English, key, "at", at, "n", m.N, "organization", m.Whose))
	}
	return strings.Join(lines, "\n")
}

type maintenanceListCommand struct {
	Settings
	Asked
}

// Help says more than one line.
func (maintenanceListCommand) Help() string {
	return `Shows every maintenance window that was ever planned, the first first, with the operators who may enter.

Example:

	nidan maintenance list --json`
}

// Run lists.
func (cmd maintenanceListCommand) Run(ctx context.Context, c *Console) error {
	t, err := takeCare(ctx, c, cmd.Settings)
	if err != nil {
		return err
	}
	defer t.close()
	all, err := maintenance.Windows(ctx, t.db)
	if err != nil {
		return err
	}
	list := []plannedWindow{}
	for _, w := range slices.Backward(all) {
		list = append(list, t.window(w))
		if !cmd.JSON {
			t.show(c, w)
		}
	}
	if cmd.JSON {
		return c.print(list)
	}
	if len(all) == 0 {
		c.say("No window was ever planned.")
	}
	return nil
}

type maintenanceCancelCommand struct {
	Settings
	Asked
	Window string `arg:"" placeholder:"ID" help:"The window's id, as nidan maintenance list names it."`
}

// Help says more than one line.
func (maintenanceCancelCommand) Help() string {
	return `Takes back a maintenance window that has not opened, or ends one now that is open: the portal opens at once. One that is over stays as it was. The operators are told by mail, and the record keeps who did it.

Example:

	nidan maintenance cancel 0197f0a2-5c1d-7c3e-9a51-3f2b8c6d4e10`
}

// Run cancels, or ends.
func (cmd maintenanceCancelCommand) Run(ctx context.Context, c *Console) error {
	t, err := takeCare(ctx, c, cmd.Settings)
	if err != nil {
		return err
	}
	defer t.close()
	var after maintenance.Window
	err = t.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		w, _, err := maintenance.Find(ctx, tx, cmd.Window)
		switch {
		case errors.Is(err, store.ErrNone):
			return fmt.Errorf("there is no window %s", cmd.Window)
		case err != nil:
			return err
		case w.At(tx.Now()) == maintenance.Open:
			err = t.Lift(ctx, tx, w)
		default:
			err = t.Cancel(ctx, tx, w)
		}
		if errors.Is(err, store.ErrNone) {
			return fmt.Errorf("window %s is %s: nothing was changed", w.ID, t.book.Say(phrase.English, "maintenance.phase_"+string(w.At(tx.Now()))))
		}
		if err == nil {
			after, _, err = maintenance.Find(ctx, tx, cmd.Window)
		}
		return err
	})
	if err != nil {
		return t.refused(err)
	}
	if cmd.JSON {
		return c.print(t.window(after))
	}
	t.show(c, after)
	return nil
}
