package ticket

import (
	"context"
	"net/http"
	"slices"

	"nidan/internal/audit"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
)

// templateOptions are the templates for choosing.
func templateOptions(list []Template) (options []page.Option) {
	for _, t := range list {
		options = append(options, page.Option{Value: t.ID, Label: t.Title})
	}
	return options
}

// fromTemplate is the text of the template that an address names, in the language of
// whom the answer is for.
func fromTemplate(list []Template, id string, c Case) string {
	lang := phrase.Lang(c.Ticket.Language)
	for _, p := range c.People {
		if !p.Contact {
			lang = p.Language
		}
	}
	for _, t := range list {
		if t.ID == id && lang == phrase.Japanese {
			return t.Japanese
		}
		if t.ID == id {
			return t.English
		}
	}
	return ""
}

type templatesView struct {
	page.View
	List []Template
	Edit Template
}

// Known says whether the template in the form is one of the list; not so: the form makes
// one, under an id that it has from the start, so that pressed twice it makes one.
func (v *templatesView) Known() bool {
	return slices.ContainsFunc(v.List, func(t Template) bool { return t.ID == v.Edit.ID })
}

func (rm *Room) templates(w http.ResponseWriter, r *http.Request) error {
	list, err := templates(r.Context(), rm.DB)
	if err != nil {
		return err
	}
	view := &templatesView{List: list, Edit: Template{ID: secret.ID()}}
	for _, t := range list {
		if t.ID == r.URL.Query().Get("id") {
			view.Edit = t
		}
	}
	if done := r.URL.Query().Get("done"); done == "saved" || done == "dropped" {
		view.Notice = rm.Site.Speak(r).T("ticket.template_" + done)
	}
	return rm.page.Show(w, r, http.StatusOK, "templates", "ticket.templates_title", view)
}

func (rm *Room) postTemplate(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	t := Template{ID: form.Text("id"), Title: form.Text("title"), English: form.Lines("text_en"), Japanese: form.Lines("text_ja")}
	what := "saved"
	if form.Text("act") == "drop" {
		what = "dropped"
	} else {
		for field, text := range map[string]string{"title": t.Title, "text_en": t.English, "text_ja": t.Japanese} {
			if text == "" && !form.Wrong(field) {
				form.Fault(field, "ticket.template_"+field+"_missing")
			}
		}
	}
	if !form.OK() {
		list, err := templates(r.Context(), rm.DB)
		if err != nil {
			return err
		}
		view := &templatesView{List: list, Edit: Template{ID: t.ID, Title: form.Typed("title"), English: form.Typed("text_en"), Japanese: form.Typed("text_ja")}}
		view.Faults = form.Faults()
		return rm.page.Show(w, r, http.StatusUnprocessableEntity, "templates", "ticket.templates_title", view)
	}
	if err := rm.keepTemplate(r, t, what); err != nil {
		return err
	}
	return page.See(w, "/operator/tickets/templates?done="+what)
}

func (rm *Room) keepTemplate(r *http.Request, t Template, what string) error {
	v := session.Of(r.Context())
	return rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		if len(t.ID) != 36 {
			t.ID = secret.ID()
		}
		if what == "dropped" {
			if err := dropTemplate(ctx, tx, t.ID); isNone(err) {
				return nil
			} else if err != nil {
				return err
			}
		} else if changed, err := saveTemplate(ctx, tx, t, v.Ref.ID); err != nil || !changed {
			return err
		}
		return audit.Record(ctx, tx, rm.Keys, audit.Entry{Chain: audit.Operators, Act: "help:template:" + what, Actor: v.Actor(),
			Subject: t.ID, Network: v.From, Detail: map[string]string{"title": t.Title}})
	})
}
