package plot

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden drawings anew")

func ticks(n int, name string) (list []Tick) {
	for i := range n {
		list = append(list, Tick{float64(i), fmt.Sprintf(name, i%30+1)})
	}
	return list
}

func people(top int64) []Tick { return UpTo(top, func(n int64) string { return fmt.Sprint(n) }) }

// pictures are the states that look different: their files, wide and narrow, end in .golden.
var pictures = []struct {
	wide, narrow string
	Plot
}{
	{"foreseen_wide", "foreseen_narrow", Plot{ID: "p", Title: "Enrolled people", Description: "214 of 400 on day 14; about 370 at the end.", From: 0, To: 52, Most: 400,
		X: ticks(52, "%d Mar"), Y: people(400),
		Lines: []Line{
			{Points: []Point{{0, 10}, {4, 90}, {9, 160}, {14, 214}}, Name: "214 enrolled", Look: Known},
			{Points: []Point{{14, 214}, {30, 320}, {52, 370}}, Name: "about 370", Below: "350–385", Look: Ahead}},
		Band:  []Span{{14, 214, 214}, {30, 300, 340}, {52, 350, 385}},
		Rules: []Rule{{0, "Opening", Known}, {14, "Today", Other}, {52, "End", Ends}}}},
	{"foreseen_japanese_wide", "foreseen_japanese_narrow", Plot{ID: "p", Title: "設定済み", Description: "400人中214人", From: 0, To: 52, Most: 400,
		X: ticks(52, "3月%d日"), Y: people(400),
		Lines: []Line{
			{Points: []Point{{0, 10}, {4, 190}, {14, 380}}, Name: "380人 設定済み", Look: Known},
			{Points: []Point{{14, 380}, {30, 395}, {52, 399}}, Name: "約399人", Below: "398〜400人", Look: Ahead}},
		Band:  []Span{{14, 380, 380}, {30, 392, 398}, {52, 398, 400}},
		Rules: []Rule{{0, "開始", Known}, {14, "本日", Other}, {52, "期限", Ends}}}},
	{"two_lines_close_wide", "two_lines_close_narrow", Plot{ID: "m", Title: "By method", Description: "TOTP 100, MailOTP 98", From: 0, To: 20, Most: 120,
		X: ticks(21, "%d Mar"), Y: people(120),
		Lines: []Line{
			{Points: []Point{{0, 0}, {18, 100}}, Name: "TOTP 100", Look: Known},
			{Points: []Point{{0, 0}, {18, 98}}, Name: "MailOTP 98", Look: Other}},
		Rules: []Rule{{18, "Today", Other}, {20, "End", Ends}}}},
	{"nothing_yet_wide", "nothing_yet_narrow", Plot{ID: "e", Title: "Nobody <&> \"yet\"", Description: "0 of 1", From: 0, To: 52, Most: 1,
		X: ticks(52, "%d Mar"), Y: people(1),
		Lines: []Line{{Points: []Point{{0, 0}}, Name: "<0> enrolled", Look: Known}},
		Rules: []Rule{{0, "Opening", Known}, {0, "Today", Other}, {52, "End", Ends}}}},
	{"up_and_down_wide", "up_and_down_narrow", Plot{ID: "u", Title: "Each day", Description: "3 created, 2 closed", From: 0, To: 8, Most: 2, Margin: []string{"created", "closed"},
		X: ticks(8, "%d Mar"), Y: people(2),
		Lines: []Line{
			{Points: []Point{{0.5, 0}, {1.5, 2}, {2.5, 0}, {7.5, 1}}, Name: "created", Look: Known},
			{Points: []Point{{0.5, 0}, {3.5, 1}, {4.5, 0}, {7.5, 0}}, Name: "closed", Look: Other}},
		Rules: []Rule{{2, "Opening", Known}}}},
	{"of_no_size_wide", "of_no_size_narrow", Plot{ID: "z", Title: "None", Description: "None"}},
}

func TestTheDrawingsAreAsTheyWereLookedAt(t *testing.T) {
	for _, p := range pictures {
		for stem, size := range map[string]Size{p.wide: Wide, p.narrow: Narrow} {
			name := filepath.Join("testdata", stem+".golden")
			got := p.SVG(size)
			wellFormed(t, stem, got)
			if *update {
				if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s is drawn otherwise: look at it, then run with -update", stem)
			}
		}
	}
}

// wellFormed holds a drawing against what a page under our policy may hold.
func wellFormed(t *testing.T, name, svg string) {
	t.Helper()
	for decoder := xml.NewDecoder(strings.NewReader(svg)); ; {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for _, no := range []string{"style=", "NaN", "Inf", "<script", "%!"} {
		if strings.Contains(svg, no) {
			t.Errorf("%s has %q", name, no)
		}
	}
	for _, must := range []string{`role="img"`, "<title", "<desc", "aria-labelledby"} {
		if !strings.Contains(svg, must) {
			t.Errorf("%s lacks %s", name, must)
		}
	}
}

func TestNamesOfDaysNeverTouch(t *testing.T) {
	for _, n := range []int{1, 2, 5, 13, 14, 52, 90, 730} {
		for _, size := range []Size{Wide, Narrow} {
			d := &drawing{Plot: Plot{From: 0, To: float64(max(n-1, 1)), X: ticks(n, "3月%d日")}, Size: size}
			named := d.roomy()
			for i := 1; i < len(named); i++ {
				if apart := d.x(named[i].At) - d.x(named[i-1].At); apart < width(named[0].Name) {
					t.Errorf("%d days, %s: %.0f apart", n, size.Name, apart)
				}
			}
			if len(named) == 0 || n > 20 && n < 100 && len(named) < 3 {
				t.Errorf("%d days, %s: %d are named", n, size.Name, len(named))
			}
		}
	}
}

func TestStepsAreRoundAndWhole(t *testing.T) {
	for _, c := range []struct {
		top  float64
		want string
	}{
		{0, "[0]"}, {1, "[0 1]"}, {3, "[0 1 2 3]"}, {7, "[0 2 4 6]"}, {61, "[0 20 40 60]"}, {400, "[0 100 200 300 400]"},
		{1204, "[0 500 1000]"}, {1000000, "[0 200000 400000 600000 800000 1e+06]"},
	} {
		if got := fmt.Sprint(Steps(c.top, 5)); got != c.want {
			t.Errorf("to %v: %s, want %s", c.top, got, c.want)
		}
	}
}

func TestTheTopIsNamedAndNothingCloseBelowIt(t *testing.T) {
	for top, want := range map[int64]string{0: "[{0 0}]", 1: "[{0 0} {1 1}]", 1020: "[{0 0} {500 500} {1020 1020}]", 1204: "[{0 0} {500 500} {1000 1000} {1204 1204}]"} {
		if got := fmt.Sprint(people(top)); got != want {
			t.Errorf("to %d: %s, want %s", top, got, want)
		}
	}
}

func TestNamesOfLinesDoNotCoverEachOther(t *testing.T) {
	for _, ys := range [][]float64{{100, 100, 100}, {300, 301}, {10, 12}, {50, 200}} {
		var labels []label
		for _, y := range ys {
			labels = append(labels, label{y: y, rows: 1, anchor: "start"})
		}
		apart(labels, 46, 300)
		for i := range labels {
			for j := range i {
				if gap := labels[i].y - labels[j].y; gap < line && gap > -line {
					t.Errorf("%v: %v", ys, labels)
				}
			}
		}
	}
}
