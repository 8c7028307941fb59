package pass

import (
	"strings"
	"testing"
)

func TestACodeIsForgivenCaseBlanksHyphensAndWidth(t *testing.T) {
	for typed, want := range map[string]string{
		"ABCD-EFGH-IJK2": "ABCDEFGHIJK2", "abcd efgh ijk2": "ABCDEFGHIJK2", " ABCDEFGHIJK2\n": "ABCDEFGHIJK2",
		"ＡＢＣＤ－ｅｆｇｈ　ＩＪＫ２": "ABCDEFGHIJK2", "ab–cd—ef‐gh ij k2": "ABCDEFGHIJK2", "ABCDーEFGHーIJK2": "ABCDEFGHIJK2",
		"": "", "ABCD-EFGH-IJK": "", "ABCD-EFGH-IJK22": "", "ABCD-EFGH-IJK0": "", "ABCD-EFGH-IJK1": "", "ABCD_EFGH_IJK2": "",
		"ABCD-EFGH-IJK8": "", "ABCD-EFGH-IJKß": "", strings.Repeat(" ", 200) + "ABCDEFGHIJK2": "",
	} {
		if got, ok := Typed(typed); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %t", typed, got, ok)
		}
	}
	if code, ok := Typed(Grouped("ABCDEFGHIJK2")); !ok || code != "ABCDEFGHIJK2" || Grouped(code) != "ABCD-EFGH-IJK2" {
		t.Errorf("%q, %t", code, ok)
	}
}
