package account

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestAbleIsWhoIsActiveEnrolledAndNeitherStoppedNorVoid(t *testing.T) {
	able := 0
	for bits := range 64 {
		on := func(bit int) bool { return bits&(1<<bit) != 0 }
		a := Admin{Proved: on(0), Stopped: on(1), Void: on(2), Grace: on(3)}
		a.Authority = GeneralUser
		if on(4) {
			a.Authority = PortalAdmin
		}
		if on(5) {
			a.Suspended = time.Unix(1, 0)
		}
		want := on(0) && !on(1) && !on(2) && on(4) && !on(5)
		if a.Able() != want {
			t.Errorf("%+v", a)
		}
		if want {
			able++
		}
	}
	if able != 2 { // with and without grace, which does not count
		t.Errorf("%d of 64 are able", able)
	}
	if (Admin{}).Able() {
		t.Error("the zero Admin is able")
	}
}

// Three Portal Admins in every mix of able, in grace, and neither.
func TestTheLastAbleOneIsKept(t *testing.T) {
	kinds := []string{"able", "grace", "neither"}
	var b strings.Builder
	b.WriteString("first    second   third    | who must stay\n")
	for n := range 27 {
		of := []int{n / 9, n / 3 % 3, n % 3}
		var admins []Admin
		for i, kind := range of {
			a := Admin{Account: Account{Ref: Ref{"yamada", fmt.Sprint(i + 1)}, Authority: PortalAdmin}, Proved: kind == 0, Grace: kind == 1}
			admins = append(admins, a)
			fmt.Fprintf(&b, "%-8s ", kinds[kind])
		}
		stays := "nobody alone"
		for _, a := range admins {
			if LastAble(admins, a.ID) {
				stays = "the " + []string{"first", "second", "third"}[a.ID[0]-'1']
			}
		}
		if LastAble(admins, "somebody else") {
			t.Error("somebody else must stay")
		}
		fmt.Fprintf(&b, "| %s\n", stays)
	}
	path := "testdata/last_able.golden"
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != b.String() {
		t.Errorf("%s differs; got:\n%s", path, b.String())
	}
}
