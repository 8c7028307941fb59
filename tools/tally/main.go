// Tally runs `go test -json …`, shows one line for each package and the whole
// output of what failed, and appends "passed failed" to a file for the script
// that adds them up.
//
//	tally FILE go test -json ./...
//
// A test with subtests counts as its subtests. A skipped test counts as failed:
// where every tool is installed nothing has a reason to be skipped.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// event is a line of `go doc test2json`, and of `go help buildjson` when a
// package does not compile.
type event struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Output      string
	Elapsed     float64
	FailedBuild string
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: tally FILE go test -json PACKAGE...")
		os.Exit(2)
	}
	passed, failed, err := run(os.Args[2:], os.Stdout)
	if err == nil {
		err = appendCounts(os.Args[1], passed, failed)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
	}
	if err != nil || failed > 0 {
		os.Exit(1)
	}
}

func run(command []string, out io.Writer) (passed, failed int, err error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return 0, 0, fmt.Errorf("read from %s: %w", command[0], err)
	}
	if err := cmd.Start(); err != nil {
		return 0, 0, fmt.Errorf("start %s: %w", command[0], err)
	}
	count := newCount(out)
	readErr := count.read(pipe)
	waitErr := cmd.Wait()
	if readErr != nil {
		return 0, 0, fmt.Errorf("read the events of %s: %w", command[0], readErr)
	}
	if waitErr != nil && count.failed == 0 {
		fmt.Fprintf(out, "   FAIL %s: %v\n", strings.Join(command, " "), waitErr)
		count.failed++
	}
	return count.passed, count.failed, nil
}

func appendCounts(path string, passed, failed int) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the file of counts: %w", err)
	}
	defer file.Close()
	if _, err := fmt.Fprintln(file, passed, failed); err != nil {
		return fmt.Errorf("write the counts: %w", err)
	}
	return nil
}

type count struct {
	out            io.Writer
	passed, failed int
	packages       map[string]*tests
	builds         map[string]*strings.Builder // output of the compiler, by import path
}

// tests is what one package has said so far.
type tests struct {
	passed, failed, skipped int
	spoken                  strings.Builder // output outside of any test
	outputs                 map[string]*strings.Builder
	parents                 map[string]bool
	failedBelow             map[string]bool
}

func newCount(out io.Writer) *count {
	return &count{out: out, packages: map[string]*tests{}, builds: map[string]*strings.Builder{}}
}

func (c *count) read(events io.Reader) error {
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) == nil {
				c.take(e)
			} else {
				fmt.Fprintf(c.out, "%s", line)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (c *count) take(e event) {
	if e.Action == "build-output" {
		builderIn(c.builds, e.ImportPath).WriteString(e.Output)
	}
	if e.Package == "" {
		return
	}
	p := c.packages[e.Package]
	if p == nil {
		p = &tests{outputs: map[string]*strings.Builder{}, parents: map[string]bool{}, failedBelow: map[string]bool{}}
		c.packages[e.Package] = p
	}
	switch {
	case e.Test != "":
		c.takeTest(p, e)
	case e.Action == "output":
		p.spoken.WriteString(e.Output)
	case e.Action == "pass" || e.Action == "fail" || e.Action == "skip":
		c.finish(p, e)
	}
}

func (c *count) takeTest(p *tests, e event) {
	switch e.Action {
	case "run":
		if parent, _, ok := cutLast(e.Test); ok {
			p.parents[parent] = true
		}
	case "output":
		builderIn(p.outputs, e.Test).WriteString(e.Output)
	case "pass":
		if !p.parents[e.Test] {
			p.passed++
		}
		delete(p.outputs, e.Test)
	case "skip":
		p.skipped++
		c.show(p, "SKIP", e)
	case "fail":
		// A parent fails with its subtests, and is shown for what it said itself.
		if !p.failedBelow[e.Test] {
			p.failed++
		}
		for name, _, ok := cutLast(e.Test); ok; name, _, ok = cutLast(name) {
			p.failedBelow[name] = true
		}
		c.show(p, "FAIL", e)
	}
}

func (c *count) show(p *tests, verdict string, e event) {
	fmt.Fprintf(c.out, "   %s %s %s\n", verdict, e.Package, e.Test)
	if output := p.outputs[e.Test]; output != nil {
		fmt.Fprint(c.out, output)
		delete(p.outputs, e.Test)
	}
}

func (c *count) finish(p *tests, e event) {
	failed := p.failed + p.skipped
	if e.Action == "fail" && failed == 0 {
		failed = 1 // it did not compile, or died outside of a test
	}
	if e.Action == "fail" && p.failed == 0 {
		if build := c.builds[e.FailedBuild]; build != nil {
			fmt.Fprint(c.out, build)
			delete(c.builds, e.FailedBuild) // shown once, though many packages fail by it
		}
		fmt.Fprint(c.out, &p.spoken)
		c.showUnfinished(p, e.Package)
	}
	c.passed += p.passed
	c.failed += failed
	delete(c.packages, e.Package)
	switch {
	case failed > 0:
		fmt.Fprintf(c.out, "   FAIL %s: %d passed, %d failed, of these %d skipped, %.1f s\n", e.Package, p.passed, failed, p.skipped, e.Elapsed)
	case p.passed > 0:
		fmt.Fprintf(c.out, "   ok   %s: %d in %.1f s\n", e.Package, p.passed, e.Elapsed)
	}
}

// showUnfinished prints what tests had said when their package died of a panic
// or of its time limit.
func (c *count) showUnfinished(p *tests, name string) {
	unfinished := make([]string, 0, len(p.outputs))
	for test := range p.outputs {
		unfinished = append(unfinished, test)
	}
	slices.Sort(unfinished)
	for _, test := range unfinished {
		fmt.Fprintf(c.out, "   UNFINISHED %s %s\n%s", name, test, p.outputs[test])
	}
}

func builderIn(in map[string]*strings.Builder, key string) *strings.Builder {
	if in[key] == nil {
		in[key] = &strings.Builder{}
	}
	return in[key]
}

// cutLast splits a subtest's name into its parent and itself. A slash within a
// name makes parents that do not exist, which harms nothing here.
func cutLast(test string) (parent, name string, ok bool) {
	i := strings.LastIndexByte(test, '/')
	if i < 0 {
		return "", test, false
	}
	return test[:i], test[i+1:], true
}
