package people

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/session"
	"nidan/internal/store"
)

func (rm *Room) showEdit(w http.ResponseWriter, r *http.Request) error {
	p, err := rm.about(r, act.EditPerson, false)
	if err != nil {
		return err
	}
	return rm.edit(w, r, http.StatusOK, p, typed{Account: p.Account, Seen: seen(p.Account)}, nil)
}

func (rm *Room) edit(w http.ResponseWriter, r *http.Request, status int, p Person, t typed, faults []*fault.Fault) error {
	t.Ref, t.Email = p.Ref, p.Email
	view := &formView{typed: t, Self: self(r.Context(), p), MayKeep: p.Authority == account.PortalAdmin && p.Method == account.MailOTP}
	return rm.form(w, r, status, view, faults)
}

func (rm *Room) postEdit(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	p, err := rm.about(r, act.EditPerson, false)
	if err != nil {
		return err
	}
	t := read(form, false)
	if !form.OK() {
		return rm.edit(w, r, http.StatusUnprocessableEntity, p, t, form.Faults())
	}
	changed, err := rm.rewrite(r.Context(), p, t)
	if f := fault.Of(err); f != nil && f.Kind == fault.Invalid {
		if p, err = rm.of(r.Context(), rm.DB, p.ID); err != nil {
			return err
		}
		t.Seen = seen(p.Account) // sent once more, it counts
		return rm.edit(w, r, http.StatusUnprocessableEntity, p, t, []*fault.Fault{f})
	}
	if err != nil {
		return err
	}
	if len(changed) == 0 {
		return page.See(w, place(p)+"?done=unchanged")
	}
	rm.Wake()
	if self(r.Context(), p) && slices.Contains(changed, "authority") {
		session.Take(w, rm.Site)
		return page.See(w, "/signin")
	}
	return page.See(w, place(p)+"?done=edited")
}

// rewrite writes what was edited of a person, and answers the names of what changed.
func (rm *Room) rewrite(ctx context.Context, p Person, t typed) (changed []string, err error) {
	v := session.Of(ctx)
	err = rm.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		changed = nil
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		was, err := rm.of(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		if err := may(ctx, tx, tx.Now(), act.EditPerson, was, false); err != nil {
			return err
		}
		is := t.applied(was.Account)
		if changed = differs(was.Account, is); len(changed) == 0 {
			return nil
		}
		if is.Authority != was.Authority { // asked while he still counts as who he was
			if err := may(ctx, tx, tx.Now(), act.ChangeAuthority, was, was.Authority == account.PortalAdmin); err != nil {
				return err
			}
		}
		if t.Seen != seen(was.Account) {
			return fault.New(fault.Invalid, "people.edited_meanwhile")
		}
		if err := account.Change(ctx, tx, is); err != nil {
			return err
		}
		if is.Authority != was.Authority {
			return rm.authority(ctx, tx, v, was, is, t.Keep, changed)
		}
		return rm.tell(ctx, tx, v, Person{Account: is}, "account:person:changed", "edited",
			map[string]string{"changed": strings.Join(changed, ", ")}, named(changed)...)
	})
	return changed, err
}

// named are the phrases that name facts in a letter.
func named(changed []string) (keys []string) {
	for _, name := range changed {
		keys = append(keys, "people.fact_"+name)
	}
	return keys
}

// authority is what follows from another authority: sessions end, what an import
// asked for is over, and who becomes a General User goes back to TOTP unless the one
// who does it keeps MailOTP, and has what he gave withdrawn.
func (rm *Room) authority(ctx context.Context, tx *store.Tx, v *session.Visit, was Person, is account.Account, keep bool, changed []string) error {
	demoted := was.Authority == account.PortalAdmin
	detail := map[string]string{"from": string(was.Authority), "to": string(is.Authority), "changed": strings.Join(changed, ", ")}
	letter := "promoted"
	if demoted {
		letter = "demoted"
		// One's own MailOTP is kept only if that mailbox has answered.
		keep = keep && account.Govern(actor(v), was.Ref, account.MailOTP, !was.MailOTP.IsZero()) == ""
		if method := account.Demoted(was.Method, keep); method != was.Method {
			if err := account.Assign(ctx, tx, was.Ref, method, v.Ref.ID); err != nil {
				return err
			}
			detail["method"] = string(method)
			letter = "demoted_totp"
		}
		if err := rm.shut(ctx, tx, v, was, "authority changed"); err != nil {
			return err
		}
	} else if _, err := session.EndAll(ctx, tx, was.Ref, "", "authority changed"); err != nil {
		return err
	}
	if was.Preset != "" {
		if err := account.Answered(ctx, tx, was.Ref); err != nil {
			return err
		}
	}
	others := slices.DeleteFunc(slices.Clone(changed), func(name string) bool { return name == "authority" })
	return rm.tell(ctx, tx, v, Person{Account: is}, "account:authority:changed", letter, detail, named(others)...)
}
