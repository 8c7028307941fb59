package password

import (
	"strings"
	"testing"
)

func TestAHashIsAsTheStandardSettingSaysAndNeverTwiceTheSame(t *testing.T) {
	for _, c := range []struct {
		cost   Cost
		prefix string
	}{
		{Standard, "$argon2id$v=19$m=47104,t=1,p=1$"},
		{Small, "$argon2id$v=19$m=19456,t=2,p=1$"},
	} {
		p := NewPool(c.cost, 1, 0)
		defer p.Close()
		one, err := p.Hash(t.Context(), oldPassword)
		if err != nil {
			t.Fatal(err)
		}
		two, _ := p.Hash(t.Context(), oldPassword)
		if !strings.HasPrefix(one, c.prefix) || one == two {
			t.Errorf("%s\n%s", one, two)
		}
		r, err := read(one)
		if err != nil || len(r.argon.salt) != 16 || len(r.argon.key) != 32 || r.argon.String() != one {
			t.Errorf("%s: %+v, %v", one, r, err)
		}
		if match, err := p.Verify(t.Context(), one, oldPassword); err != nil || match != (Match{Right: true}) {
			t.Errorf("right: %+v, %v", match, err)
		}
		if match, err := p.Verify(t.Context(), one, oldPassword+" "); err != nil || match != (Match{}) {
			t.Errorf("wrong: %+v, %v", match, err)
		}
	}
}

// Equal work, counted: what can be told apart by the clock is told apart by this table first.
func TestTheNumberOfArgon2RunsIsAsPromised(t *testing.T) {
	middling := Cost{MemoryKiB: 4096, Passes: 1, Lanes: 1}
	p := NewPool(middling, 2, 1<<30)
	defer p.Close()
	own, err := p.Hash(t.Context(), oldPassword)
	if err != nil {
		t.Fatal(err)
	}
	longKey := argonHash{cost: middling, salt: make([]byte, 16), key: make([]byte, 64)}.String()
	shortSalt := argonHash{cost: middling, salt: make([]byte, 8), key: make([]byte, 32)}.String()
	const (
		cheap  = "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"
		costly = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
		slow   = "$2b$10$abcdefghijklmnopqrstuuzDdX1biyz/n98kt0hXdT04zMCGqgzZW"
	)
	cases := []struct {
		name, stored, password string
		runs                   uint64
		right                  bool
	}{
		{"no account", "", oldPassword, 1, false},
		{"no account, nothing typed", "", "", 1, false},
		{"own hash, right", own, oldPassword, 1, true},
		{"own hash, wrong", own, "wrong", 1, false},
		{"own hash, nothing typed", own, "", 1, false},
		{"own hash, a zero byte typed", own, oldPassword + "\x00", 1, false},
		{"own hash, too much typed", own, strings.Repeat("x", longestTyped+1), 1, false},
		{"unreadable", "{XYZ}abc", oldPassword, 1, false},
		{"other key length, wrong", longKey, "wrong", 1, false},
		{"other salt length, wrong", shortSalt, "wrong", 1, false},
		{"Argon2id of a higher cost, right", costly, "password", 2, true},
		{"Argon2id of a higher cost, wrong", costly, "wrong", 1, false},
		{"Argon2id of a low cost, right", cheap, "password", 2, true},
		{"Argon2id of a low cost, wrong", cheap, "wrong", 2, false},
		{"slow, right", slow, oldPassword, 1, true},
		{"slow, wrong", slow, "wrong", 0, false},
	}
	for _, old := range oldHashes { // all of them fast
		cases = append(cases, struct {
			name, stored, password string
			runs                   uint64
			right                  bool
		}{old.format + ", wrong", old.stored, "wrong", 1, false})
		cases = append(cases, cases[len(cases)-1])
		right := &cases[len(cases)-1]
		right.name, right.password, right.right = old.format+", right", oldPassword, true
	}
	for _, c := range cases {
		before := p.Hashes()
		match, _ := p.Verify(t.Context(), c.stored, c.password)
		if runs := p.Hashes() - before; runs != c.runs || match.Right != c.right {
			t.Errorf("%s: %d runs, want %d; right %v", c.name, runs, c.runs, match.Right)
		}
		rehashed := match.Rehash != ""
		if rehashed != (c.right && c.stored != own) {
			t.Errorf("%s: rehash %q", c.name, match.Rehash)
		}
	}
}

func TestAChangeOfTheSettingRehashesAtTheNextSignIn(t *testing.T) {
	before, after := NewPool(Small, 1, 0), NewPool(Standard, 1, 0)
	defer before.Close()
	defer after.Close()
	stored, err := before.Hash(t.Context(), oldPassword)
	if err != nil {
		t.Fatal(err)
	}
	match, err := after.Verify(t.Context(), stored, oldPassword)
	if err != nil || !match.Right || !strings.HasPrefix(match.Rehash, "$argon2id$v=19$m=47104,t=1,p=1$") {
		t.Fatalf("%+v, %v", match, err)
	}
	if again, err := after.Verify(t.Context(), match.Rehash, oldPassword); err != nil || again != (Match{Right: true}) {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestTheSameCharactersTypedOtherwiseAreTheSamePassword(t *testing.T) {
	p := quickPool(t, 1)
	stored, err := p.Hash(t.Context(), "r\u00e9sum\u00e9 \u304c\u304e\u3000x")
	if err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[string]bool{
		"re\u0301sume\u0301 \u304b\u3099\u304d\u3099\u3000x": true,  // base and marks apart
		"r\u00e9sum\u00e9\u00a0\u304c\u304e x":               true,  // other spaces
		"r\u00e9sum\u00e9 \u304c\u304e\u3000\uff58":          false, // a wide x is another character
		"r\u00e9sum\u00e9 \u304c\u304ex":                     false,
		"R\u00e9sum\u00e9 \u304c\u304e\u3000x":               false,
	} {
		if match, err := p.Verify(t.Context(), stored, typed); err != nil || match.Right != want {
			t.Errorf("%q: right %v, %v", typed, match.Right, err)
		}
	}
}
