package password

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

var persons = map[string]Person{
	"suzuki": {
		Email: "ichiro.suzuki@mail.yamada-trading.co.jp", Name: "Ichiro Suzuki",
		Organization: "Yamada Trading Co., Ltd.", Phone: "+81 90-1359-2468", Portal: "Business Portal",
	},
	"tanaka": {
		Email: "h.tanaka@example.jp", Name: "田中 花",
		Organization: "株式会社青葉商事", Phone: "０３-9753-8642", Portal: "ビジネスポータル",
	},
	"abe":    {Email: "abe@example.org", Name: "Ken Abe"},
	"nobody": {},
}

// The golden file holds the answer to each of these, so that a change of the rule shows in one place whom it
// hits.
var ruleCases = []struct {
	person    string
	least     int
	passwords []string
}{
	// length, and what cannot be typed
	{"nobody", 8, []string{"", "v8#kQ2z", "v8#kQ2zP", strings.Repeat("v8#kQ2zP", 15) + "v8#kQ2zP", "v8#kQ2zP\x00",
		"v8#kQ2\tzP", "v8#kQ2\nzP", "v8#kQ2zP\xff", "v8#k\u200bQ2zP", "v8#k\ufffdQ2zP", "ゆきぐにのうさぎ", "雪国の兎",
		"👩\u200d💻🐢🎻🌋🧂🪐", strings.Repeat("é", 6) + "v8#", strings.Repeat("e\u0301", 6) + "v"}},
	{"nobody", 15, []string{"v8#kQ2zPmW4!rT", "v8#kQ2zPmW4!rTx", "v8#kQ2zPv8#kQ2zP", "correct horse battery staple", "correcthorsebattery",
		"dragon sunshine tokyo", "purple dragon sings quietly", "thirteen-otters-waltz"}},
	{"nobody", 8, []string{rule128("aKq7", 128), rule128("aKq7", 129), strings.Repeat("x", 100000)}},

	// common, plain and dressed up
	{"nobody", 8, []string{"password", "PASSWORD", "Password1", "p@ssw0rd", "P@$$w0rd!", "passw0rd2024", "drowssap",
		"password19850312", "password483920", "passwordxk4w9qz", "1234password", "!!sunshine!!", "sunshine2018!",
		"$ecret99", "l1verp00l", "letme1n!!", "p-a-s-s-w-o-r-d", "passwordpassword", "sakurasakura1", "ｐａｓｓｗｏｒｄ",
		"ｐａｓｓｗｏｒｄ１２３", "dragondragon", "dragon83#kQ2zP", "monkeydragon", "iloveyou", "trustno1", "changeme1",
		"Welcome2018", "Spring2018!", "suzuki1234", "yamamoto1", "michelle!"}},
	{"nobody", 8, []string{"パスワード1234", "ぱすわーど1234", "ﾊﾟｽﾜｰﾄﾞ1234", "パスワードパスワード", "秘密の言葉123",
		"暗証番号2018", "あいうえおかきくけこ", "いろはにほへとちり", "ありがとうございます", "pasuwado1", "himitsu2018",
		"日本日本日本日本", "東京2020!!", "さくらさくらさくら", "すもももももももものうち", "雨ニモマケズ風ニモ", "うさぎ追いしかの山"}},

	// hardly anything in it
	{"nobody", 8, []string{"aaaaaaaa", "        ", "........", "abababab", "abcabcab", "xk3qxk3q", "xk3q9xk3q9", "12345678",
		"87654321", "1234567890123456", "abcdefgh", "hgfedcba", "abcd1234", "qwertyui", "asdfghjkl", "1qaz2wsx", "zaq12wsx",
		"qwer1234", "aabbccdd", "aaaabbbb", "!@#$%^&*", "20180304", "04032018", "2018-03-04", "2018/03/04", "48291736",
		"90210-48213", "あああああああああ", "一二三四五六七八"}},

	// made of the person's own data
	{"suzuki", 8, []string{"ichiro.suzuki", "suzukiichiro", "IchiroSuzuki1", "suzuki2018", "ikuzus2018", "orihci1234",
		"5uzuki!!", "$uzuk1-99", "suzukisunshine", "suzuki-Xk9#pLq2", "yamadatrading", "Yamada-Trading", "trading2018",
		"mail.yamada-trading.co.jp", "ichiro.suzuki@mail.yamada-trading.co.jp", "businessportal", "Portal2018!",
		"09013592468", "090-1359-2468", "819013592468", "8642953109", "suzuki2468", "tel13592468", "v8#kQ2zP",
		"otters-and-suzuki-dance"}},
	{"tanaka", 8, []string{"田中花田中花123", "田中2018!!", "青葉商事2018", "htanaka2018", "h.tanaka!", "ビジネスポータル1",
		"びじねすぽーたる", "0397538642", "９７５３８６４２", "花より団子と雨の日", "tanaka1234"}},
	{"abe", 8, []string{"abe12345", "ken-2018!", "kenabe2018", "abekenabe", "kitchen#84Kq", "abecedar-8Kq#"}},
}

func rule128(unit string, n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%s%d", unit, i*i*7919%1009)
	}
	return b.String()[:n]
}

func TestTheRuleAnswersAsInTheGoldenFile(t *testing.T) {
	var got strings.Builder
	for _, c := range ruleCases {
		for _, password := range c.passwords {
			fault := string(Check(password, c.least, persons[c.person]))
			if fault == "" {
				fault = "good"
			}
			shown := password
			if runes := []rune(password); len(runes) > 40 {
				shown = string(runes[:12]) + fmt.Sprintf("… (%d)", len(runes))
			}
			fmt.Fprintf(&got, "%-7s %2d %-20s %q\n", c.person, c.least, fault, shown)
		}
	}
	if *update {
		if err := os.WriteFile("testdata/rule.golden", []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/rule.golden")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("the rule changed (-golden +now):\n%s", diff)
	}
}

func TestEveryFaultIsInTheGoldenFileAndIsAPhraseKey(t *testing.T) {
	golden, err := os.ReadFile("testdata/rule.golden")
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range Faults {
		if !strings.HasPrefix(string(fault), "password.") {
			t.Errorf("%q is no phrase key of this room", fault)
		}
		if !strings.Contains(string(golden), string(fault)) {
			t.Errorf("no case in the golden file is refused as %q", fault)
		}
	}
}

func TestTheLengthIsCountedInCharactersAfterSettling(t *testing.T) {
	decomposed := "ve\u0301qk2ze\u0301" // 9 code points, 7 characters
	if fault := Check(decomposed, 8, Person{}); fault != TooShort {
		t.Errorf("seven characters typed as nine code points: %q", fault)
	}
	hangul := strings.Repeat("\u1112\u1161\u11ab", longest) // 128 syllables typed as 384 code points
	if fault := Check(hangul, 8, Person{}); fault == TooLong {
		t.Error("128 characters typed apart are too long")
	}
}

// Without the bounds on what is looked at, this would not end.
func TestHugeInputsAreJudgedAtOnce(t *testing.T) {
	huge := strings.Repeat("suzuki-1359", 1<<20)
	person := Person{Email: huge + "@" + huge, Name: huge, Organization: huge, Phone: huge, Portal: huge}
	if fault := Check(huge, 8, person); fault != TooLong {
		t.Errorf("11 MB: %q", fault)
	}
	for _, password := range []string{strings.Repeat("suzuki-", 18), rule128("aKq7", 128)} {
		Check(password, 8, person)
	}
}

func TestAPersonWithoutDataRefusesNothing(t *testing.T) {
	for _, person := range []Person{{}, {Email: "@", Name: " ", Organization: ".", Phone: "-", Portal: "株式会社"}} {
		if fault := Check("v8#kQ2zP", 8, person); fault != None {
			t.Errorf("%+v: %q", person, fault)
		}
	}
}

func TestTheListIsSortedFoldedAndFound(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(string(words()), "\n"), "\n")
	if len(lines) < 50_000 {
		t.Fatalf("only %d words", len(lines))
	}
	if !slices.IsSorted(lines) {
		t.Error("not sorted by bytes")
	}
	for i, line := range lines {
		if line != fold(line) {
			t.Errorf("%q would be looked up as %q", line, fold(line))
		}
		if i > 0 && line == lines[i-1] {
			t.Errorf("%q twice", line)
		}
		if !listed(line) {
			t.Errorf("%q is not found", line)
		}
	}
	for _, word := range []string{"", "\n", "~~~~", "password\n", "passwor\x00", "んんん", "v8#kq2zp"} {
		if listed(word) {
			t.Errorf("%q is found", word)
		}
	}
}

func FuzzTheRuleTakesAnything(f *testing.F) {
	f.Add("p@ssw0rd", "ichiro@example.jp", "鈴木 一郎", "+81 90")
	f.Add("\xff\x00", "@", "\u0301", "١٢٣")
	f.Fuzz(func(t *testing.T, password, email, name, phone string) {
		person := Person{Email: email, Name: name, Phone: phone}
		if fault := Check(password, 8, person); fault != None && !slices.Contains(Faults, fault) {
			t.Errorf("%q", fault)
		}
	})
}
