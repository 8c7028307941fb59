package prose

import (
	"bytes"
	"fmt"
	"html/template"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// below is how many levels a heading is lowered: a page has its own h1 and h2.
const below = 2

var markdown = goldmark.New(
	goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.Linkify, extension.CJK),
	goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(lower{}, 100))),
	goldmark.WithRendererOptions(html.WithHardWraps()), // a line break that was typed is one
)

// lower lowers headings, and makes of a picture the words that stand for it.
type lower struct{}

// Transform is goldmark's hook into a parsed text.
func (lower) Transform(root *ast.Document, _ text.Reader, _ parser.Context) {
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // no step of it fails
		if heading, ok := n.(*ast.Heading); ok && entering {
			heading.Level = min(6, heading.Level+below)
		}
		return ast.WalkContinue, nil
	})
}

var harmless = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "strong", "em", "del", "ul", "ol", "li", "h3", "h4", "h5", "h6", "blockquote", "code", "pre", "hr",
		"table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(false)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	return p
}()

// HTML is a text as a page shows it. HTML in the text is left out.
func HTML(markdownText string) (template.HTML, error) {
	var out bytes.Buffer
	if err := markdown.Convert([]byte(markdownText), &out); err != nil {
		return "", fmt.Errorf("prose: %w", err)
	}
	return template.HTML(harmless.SanitizeBytes(out.Bytes())), nil //nolint:gosec // sanitized on this very line
}
