package main

import (
	"strings"
	"testing"
)

func TestCounts(t *testing.T) {
	tests := []struct {
		name           string
		events         string
		passed, failed int
		shown          string // must be in what is printed
		quiet          string // must not
	}{
		{
			name: "a passing test is counted and keeps silent",
			events: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"chatter\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Elapsed":1}`,
			passed: 1, shown: "ok   p: 1 in 1.0 s", quiet: "chatter",
		},
		{
			name: "a test with subtests counts as its subtests",
			events: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/one"}
{"Action":"run","Package":"p","Test":"TestA/two"}
{"Action":"pass","Package":"p","Test":"TestA/one"}
{"Action":"output","Package":"p","Test":"TestA/two","Output":"went wrong\n"}
{"Action":"fail","Package":"p","Test":"TestA/two"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}`,
			passed: 1, failed: 1, shown: "went wrong",
		},
		{
			name: "a parent that fails for itself counts",
			events: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/one"}
{"Action":"pass","Package":"p","Test":"TestA/one"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}`,
			passed: 1, failed: 1, shown: "FAIL p TestA",
		},
		{
			name: "a skipped test is a failure, shown with its reason",
			events: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"no engine\n"}
{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}`,
			failed: 1, shown: "no engine",
		},
		{
			name: "a package that does not compile is one failure, with the compiler's words",
			events: `{"ImportPath":"p [p.test]","Action":"build-output","Output":"undefined: x\n"}
{"ImportPath":"p [p.test]","Action":"build-fail"}
{"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}`,
			failed: 1, shown: "undefined: x",
		},
		{
			name: "a package that dies within a test shows what the test had said",
			events: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"panic: oh\n"}
{"Action":"fail","Package":"p"}`,
			failed: 1, shown: "panic: oh",
		},
		{
			name:   "a package without tests counts for nothing",
			events: `{"Action":"skip","Package":"p"}`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			count := newCount(&out)
			if err := count.read(strings.NewReader(test.events)); err != nil {
				t.Fatal(err)
			}
			if count.passed != test.passed || count.failed != test.failed {
				t.Errorf("got %d passed, %d failed; want %d, %d", count.passed, count.failed, test.passed, test.failed)
			}
			if !strings.Contains(out.String(), test.shown) {
				t.Errorf("%q is not shown in:\n%s", test.shown, out.String())
			}
			if test.quiet != "" && strings.Contains(out.String(), test.quiet) {
				t.Errorf("%q is shown in:\n%s", test.quiet, out.String())
			}
		})
	}
}

func TestACommandThatFailsWithoutEventsIsOneFailure(t *testing.T) {
	var out strings.Builder
	passed, failed, err := run([]string{"false"}, &out)
	if err != nil || passed != 0 || failed != 1 {
		t.Errorf("got %d passed, %d failed, %v", passed, failed, err)
	}
}
