package plot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBarsAreAsTheyWereLookedAt(t *testing.T) {
	for stem, b := range map[string]Bars{
		"bars": {ID: "c", Title: "By category", Description: "Created and closed.", Rows: []Row{
			{"Portal", []Bar{{12, "12 created", Known}, {7, "7 closed", Other}}},
			{"<Account & access>", []Bar{{3, "3 created", Known}, {0, "0 closed", Other}}}}},
		"bars_japanese": {ID: "c", Title: "カテゴリー別", Description: "作成とクローズ", Rows: []Row{
			{"ポータル", []Bar{{1, "作成 1件", Known}, {1200, "クローズ 1,200件", Other}}}}},
		"bars_of_nothing": {ID: "c", Title: "By category", Description: "Nothing.", Rows: []Row{{"Portal", []Bar{{0, "0 created", Known}, {-1, "?", Other}}}}},
		"bars_without":    {ID: "c", Title: "None", Description: "None"},
	} {
		name := filepath.Join("testdata", stem+".golden")
		got := b.SVG()
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
		if strings.Contains(got, `width="-`) {
			t.Errorf("%s has a bar below zero", stem)
		}
	}
}
