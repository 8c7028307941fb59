package page

import (
	"html/template"
	"strconv"
	"strings"
	"text/template/parse"

	"nidan/internal/phrase"
)

// folder writes into parsed templates what is the same each time they are shown: the
// templates of a site speak one language, so a phrase without values is as fixed as the
// markup around it. It works before html/template escapes, and leaves to it every phrase
// that might be written otherwise where it stands.
type folder struct {
	site *Site
	lang phrase.Lang
}

// special are the characters that are not written as they are everywhere in a text, a
// quoted attribute or the address of an asset.
const special = "&<>\"'+`={\x00"

func (f folder) fold(all *template.Template) {
	for _, one := range all.Templates() {
		if one.Tree != nil {
			f.list(one.Tree.Root)
		}
	}
}

func (f folder) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	kept := l.Nodes[:0]
	for _, node := range l.Nodes {
		switch n := node.(type) {
		case *parse.ActionNode:
			if text, ok := f.fixed(n.Pipe); ok && !strings.ContainsAny(text, special) {
				node = &parse.TextNode{NodeType: parse.NodeText, Pos: n.Pos, Text: []byte(text)}
			} else {
				f.pipe(n.Pipe)
			}
		case *parse.TemplateNode:
			f.pipe(n.Pipe)
		case *parse.IfNode:
			f.branch(&n.BranchNode)
		case *parse.WithNode:
			f.branch(&n.BranchNode)
		case *parse.RangeNode:
			f.branch(&n.BranchNode)
		}
		if text, ok := node.(*parse.TextNode); ok && len(kept) > 0 {
			if before, ok := kept[len(kept)-1].(*parse.TextNode); ok {
				before.Text = append(before.Text, text.Text...)
				continue
			}
		}
		kept = append(kept, node)
	}
	l.Nodes = kept
}

func (f folder) branch(b *parse.BranchNode) {
	f.pipe(b.Pipe)
	f.list(b.List)
	f.list(b.ElseList)
}

// pipe folds what stands in brackets, whatever is in it: it is escaped where it is shown.
func (f folder) pipe(p *parse.PipeNode) {
	if p == nil {
		return
	}
	for _, command := range p.Cmds {
		for i, arg := range command.Args {
			inner, ok := arg.(*parse.PipeNode)
			if !ok {
				continue
			}
			if text, ok := f.fixed(inner); ok {
				command.Args[i] = &parse.StringNode{NodeType: parse.NodeString, Pos: inner.Pos, Quoted: strconv.Quote(text), Text: text}
			} else {
				f.pipe(inner)
			}
		}
	}
}

// fixed is what a pipe says each time, where that is so.
func (f folder) fixed(p *parse.PipeNode) (text string, ok bool) {
	if len(p.Decl) > 0 || len(p.Cmds) != 1 {
		return "", false
	}
	args := p.Cmds[0].Args
	name, ok := args[0].(*parse.IdentifierNode)
	if !ok {
		return "", false
	}
	say := f.site.words[f.lang][name.Ident]
	switch {
	case len(args) == 1 && (name.Ident == "gap" || name.Ident == "comma"):
		return say.(func() string)(), true
	case len(args) == 2 && (name.Ident == "t" || name.Ident == "asset"):
		key, ok := args[1].(*parse.StringNode)
		if !ok {
			return "", false
		}
		if name.Ident == "t" {
			return f.site.book.Say(f.lang, key.Text), true
		}
		path, err := f.site.assets.path(key.Text)
		return path, err == nil // one that there is not is told when the page is shown
	}
	return "", false
}
