package web

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"nidan/internal/act"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// wanted says whether an answer through HTTP is that of the table.
func wanted(answer act.Answer, method string, w *httptest.ResponseRecorder) bool {
	confirm := strings.HasPrefix(w.Header().Get("Location"), "/confirm")
	switch answer {
	case act.Allowed:
		return w.Code == http.StatusOK || w.Code == http.StatusUnprocessableEntity || w.Code == http.StatusSeeOther && !confirm
	case act.AskSignIn:
		return w.Code == http.StatusSeeOther && !confirm && method == http.MethodGet || w.Code == http.StatusForbidden && method == http.MethodPost
	case act.Confirm:
		return w.Code == http.StatusSeeOther && confirm
	case act.Hidden:
		return w.Code == http.StatusNotFound
	}
	return w.Code == http.StatusForbidden
}

// opened is a door as it is asked by somebody about somebody.
func (c *cast) opened(d door, whom act.Whom) (path string, form []string) {
	c.t.Helper()
	id, org, reset := whom.ID, whom.Organization, ""
	if id == "" {
		id, org = secret.ID(), c.own
	}
	if d.act == act.AnswerReset || d.act == act.AnswerAdminReset {
		reset = c.waits(whom.Ref)
	}
	c.n++
	fill := strings.NewReplacer("{id}", id, "{organization}", org, "{third}", c.third, "{reset}", reset, "{n}", strconv.Itoa(c.n))
	for _, value := range d.form {
		form = append(form, fill.Replace(value))
	}
	return fill.Replace(d.path), form
}

// send is ask, of a form with files too.
func (c *cast) send(token string, d door, path string, form []string) *httptest.ResponseRecorder {
	if !d.file {
		return c.ask(token, d.method, path, form)
	}
	var b bytes.Buffer
	parts := multipart.NewWriter(&b)
	for i := 0; i+1 < len(form); i += 2 {
		part, err := parts.CreateFormFile(form[i], "people.csv")
		if err != nil {
			c.t.Fatal(err)
		}
		_, _ = part.Write([]byte(form[i+1]))
	}
	_ = parts.Close()
	return c.request(token, d.method, path, parts.FormDataContentType(), &b)
}

// cell asks one: the page answers as the table, and what is refused leaves nothing.
func (c *cast) cell(d door, i, j int) {
	who, token := c.actor(i)
	whom := c.target(j, who)
	last := whom.LastAble
	if last {
		c.alone(whom, who)
	}
	path, form := c.opened(d, whom)
	before := c.done()
	w := c.send(token, d, path, form)
	whom.LastAble = whom.LastAble && d.loses
	answer := act.May(d.act, who, whom)
	right := wanted(answer, d.method, w)
	if answer == act.NotOneself && d.self != "" {
		right = w.Code == http.StatusSeeOther && w.Header().Get("Location") == d.self
	}
	if !right {
		c.t.Errorf("%s, %s %s, by %s to %s: %d on to %q, and the table says %q", d.act, d.method, d.path, actors[i].name, targets[j].name,
			w.Code, w.Header().Get("Location"), answer)
	}
	if answer != act.Allowed && c.done() != before {
		c.t.Errorf("%s %s, by %s to %s: refused, and something was done", d.method, d.path, actors[i].name, targets[j].name)
	}
	if last {
		c.together()
	}
	if d.method == http.MethodPost && answer == act.Allowed {
		c.anew()
	}
}

// Every cell of the table of acts, asked through HTTP: the page answers as the table. On
// PostgreSQL those alone that write or are refused in a transaction: what the gate turns
// away, and what a page shows, is the same there.
func TestEachCellOfTheTableOfActsIsAnsweredSoThroughHTTP(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		c := openCast(t, w)
		cells := 0
		for _, d := range doors {
			person := strings.Contains(d.path+strings.Join(d.form, " "), "{id}")
			for i := range actors {
				for j := range targets {
					self := targets[j].name == "oneself"
					if !person && !self || person && self && actors[i].who.Standing == act.Stranger {
						continue // it is done to nobody; a stranger is nobody
					}
					if who := actors[i].who; w.DB.Engine() == store.PostgreSQL && (d.method == http.MethodGet || !who.FreshCode && !who.FreshPassword) {
						continue
					}
					c.cell(d, i, j)
					cells++
				}
			}
		}
		if least := map[store.Engine]int{store.SQLite: 3000, store.PostgreSQL: 600}[w.DB.Engine()]; cells < least {
			t.Errorf("only %d cells were asked", cells)
		}
	})
}

// Each act of the table has a door, and where it is done by a form both its page and
// the form: an act without one would be tested by nobody.
func TestEachActOfTheTableHasADoor(t *testing.T) {
	has := map[string]bool{}
	for _, d := range doors {
		has[string(d.act)+" "+d.method] = true
	}
	file, err := parser.ParseFile(token.NewFileSet(), "../act/act.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	acts := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Act" {
			return true
		}
		for _, value := range spec.Values {
			acts++
			text, err := strconv.Unquote(value.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			for _, method := range []string{"GET", "POST"} {
				if only := oneWay[act.Act(text)]; (only == "" || only == method) != has[text+" "+method] {
					t.Errorf("the act %q is not asked by %s, or says in oneWay that it is not: give it a door", text, method)
				}
			}
		}
		return true
	})
	if acts < 30 {
		t.Errorf("only %d acts were found", acts)
	}
}
