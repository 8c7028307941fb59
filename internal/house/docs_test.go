package house

import (
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	pageLink  = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	codeBlock = regexp.MustCompile("(?ms)^```.*?^```$|^    .*?$")
	namedTest = regexp.MustCompile("`([a-z/]+)` ((?:(?:Test|Fuzz)\\w+(?:, )?)+)")
	story     = regexp.MustCompile("(?:story|stories) ((?:`\\w+`(?:, | and )?)+)")
	quoted    = regexp.MustCompile("`(\\w+)`")
)

// docs are the pages that people read, by their path from the root.
func docs(t *tree) []string {
	return t.paths(func(name string) bool { return path.Ext(name) == ".md" })
}

func TestEveryLinkBetweenThePagesOfTheDocsLeadsSomewhere(t *testing.T) {
	house := repository(t)
	for _, name := range docs(house) {
		for _, target := range links(house.files[name]) {
			file := path.Join(path.Dir(name), target)
			if _, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(file))); err != nil {
				t.Errorf("%s: nothing is at %s", house.lineOf(name, "]("+target), file)
			}
		}
	}
}

// links are the files that a page leads to; addresses of the web and places on
// the page itself are left out.
func links(page string) (files []string) {
	for _, found := range pageLink.FindAllStringSubmatch(codeBlock.ReplaceAllString(page, ""), -1) {
		u, err := url.Parse(found[1])
		if err == nil && (u.Scheme != "" || u.Path == "") {
			continue
		}
		file, _, _ := strings.Cut(found[1], "#")
		files = append(files, file)
	}
	return files
}

func TestALinkIsReadAsReadersFollowIt(t *testing.T) {
	page := "[a](docs/a.md) ![b](b.png) [c](https://example.com/c) [d](#here) [e](e.md#part)\n\n    [f](f.md)\n\n```\n[g](g.md)\n```\n"
	if got, want := links(page), []string{"docs/a.md", "b.png", "e.md"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A promise whose test is gone is no promise.
func TestEveryTestThatSECURITYNamesIsThere(t *testing.T) {
	house := repository(t)
	page := house.files["SECURITY.md"]
	tests, stories := promised(page)
	if len(tests) == 0 || len(stories) == 0 {
		t.Fatal("SECURITY.md names no test or no story: either it lost them, or it is read wrongly here")
	}
	for _, named := range tests {
		room, name := path.Dir(named), path.Base(named)
		files := house.paths(func(file string) bool {
			return path.Dir(file) == "internal/"+room && strings.HasSuffix(file, "_test.go")
		})
		if !slices.ContainsFunc(files, func(file string) bool { return strings.Contains(house.files[file], "\nfunc "+name+"(") }) {
			t.Errorf("%s: no test in internal/%s is called %s", house.lineOf("SECURITY.md", name), room, name)
		}
	}
	for _, name := range stories {
		if _, there := house.files["story/"+name+".txtar"]; !there {
			t.Errorf("%s: there is no story/%s.txtar", house.lineOf("SECURITY.md", "`"+name+"`"), name)
		}
	}
	if n := len(regexp.MustCompile(`\b(Test|Fuzz)[A-Z]\w+`).FindAllString(page, -1)); n != len(tests) {
		t.Errorf("SECURITY.md names %d tests, and %d of them with their room: write `room` TestName, TestName", n, len(tests))
	}
}

// promised are the tests, each as room/TestName, and the stories that a page names.
func promised(page string) (tests, stories []string) {
	for _, found := range namedTest.FindAllStringSubmatch(page, -1) {
		for name := range strings.SplitSeq(strings.TrimSuffix(found[2], ", "), ", ") {
			tests = append(tests, found[1]+"/"+name)
		}
	}
	for _, found := range story.FindAllStringSubmatch(page, -1) {
		for _, name := range quoted.FindAllStringSubmatch(found[1], -1) {
			stories = append(stories, name[1])
		}
	}
	return tests, stories
}

func TestATestIsReadWithItsRoom(t *testing.T) {
	tests, stories := promised("| a | `rule` TestA, TestB; `store/some` FuzzC; story `one`, and stories `two`, `three` |")
	if !slices.Equal(tests, []string{"rule/TestA", "rule/TestB", "store/some/FuzzC"}) || !slices.Equal(stories, []string{"one", "two", "three"}) {
		t.Errorf("%q, %q", tests, stories)
	}
}
