package demo_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"nidan/internal/demo"
	"nidan/internal/password"
)

func TestThePeriodLiesAroundTheBeginningAtMidnights(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	must(t, err)
	for _, one := range []struct {
		now         string
		house       *time.Location
		opens, ends string
	}{
		{"2018-03-17T15:00:00Z", tokyo, "2018-03-03T15:00:00Z", "2018-04-24T15:00:00Z"}, // as announced
		{"2018-03-18T02:59:59Z", tokyo, "2018-03-03T15:00:00Z", "2018-04-24T15:00:00Z"},
		{"2018-03-18T03:00:00Z", tokyo, "2018-03-04T15:00:00Z", "2018-04-25T15:00:00Z"},
		{"2018-03-20T09:00:00Z", berlin, "2018-03-05T23:00:00Z", "2018-04-26T22:00:00Z"}, // over the change of the clocks
	} {
		now, err := time.Parse(time.RFC3339, one.now)
		must(t, err)
		p := demo.PeriodAt(now, one.house)
		if opens, ends := p.Opens.Format(time.RFC3339), p.Ends.Format(time.RFC3339); opens != one.opens || ends != one.ends {
			t.Errorf("at %s: %s to %s, want %s to %s", one.now, opens, ends, one.opens, one.ends)
		}
	}
}

func TestAMomentIsReadAsPeopleWriteIt(t *testing.T) {
	for typed, want := range map[string]demo.Moment{
		"before the window": demo.BeforeWindow, "in-window": demo.InWindow, "In the period": demo.InPeriod,
		"the last minute": demo.LastMinute, "after_end": demo.AfterEnd, "2018-04-24T15:00:00Z": "2018-04-24t15:00:00z",
	} {
		if got := demo.MomentOf(typed); got != want {
			t.Errorf("%q is %q, want %q", typed, got, want)
		}
	}
}

func TestAKeyIsReadAsASetUpPageShowsIt(t *testing.T) {
	const plain = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	want, _ := demo.ReadKey(plain)
	for _, typed := range []string{"jbsw y3dp ehpk 3pxp jbsw y3dp ehpk 3pxp", "JBSWY3DP-EHPK3PXP-JBSWY3DP-EHPK3PXP", " " + plain + "==== ",
		"otpauth://totp/Portal:a@example.com?secret=" + plain + "&issuer=Portal"} {
		if got, ok := demo.ReadKey(typed); !ok || string(got) != string(want) {
			t.Errorf("%q was not read", typed)
		}
	}
	for _, typed := range []string{"", "JBSW", "not a key at all 0189", "otpauth://totp/a", strings.Repeat("A", 200)} {
		if _, ok := demo.ReadKey(typed); ok {
			t.Errorf("%q was taken for a key", typed)
		}
	}
}

func TestThePasswordsKeepTheRuleAndTheWeakOnesDoNot(t *testing.T) {
	f := demo.Everybody()
	for _, a := range f.Accounts {
		person := password.Person{Email: a.Email, Name: a.Name, Organization: a.Organization, Phone: a.Phone, Portal: "Business Portal"}
		switch fault := password.Check(a.Password, password.ShortestAlone, person); {
		case a.Password == "":
			if a.State != demo.Invited && a.State != demo.Lapsed {
				t.Errorf("%s has no password", a.Email)
			}
		case a.State == demo.Weak:
			if password.Check(a.Password, password.Shortest, person) == password.None {
				t.Errorf("the weak password of %s keeps the rule", a.Email)
			}
		case fault != password.None:
			t.Errorf("the password of %s: %s", a.Email, fault)
		}
	}
	staff := password.Person{Email: f.Operator.Email, Portal: "Business Portal"}
	if fault := password.Check(f.Operator.Password, password.ShortestAlone, staff); fault != password.None {
		t.Errorf("the operator's password: %s", fault)
	}
}

func TestEveryStateIsThereInBothCompaniesTogether(t *testing.T) {
	f, states, addresses := demo.Everybody(), map[demo.State]int{}, map[string]bool{}
	for _, a := range f.Accounts {
		states[a.State]++
		addresses[a.Email] = true
	}
	if len(f.Accounts) != 60 || len(addresses) != 60 {
		t.Errorf("%d accounts with %d addresses, want 60", len(f.Accounts), len(addresses))
	}
	for _, state := range []demo.State{demo.Enrolled, demo.Granted, demo.Waiting, demo.InGrace, demo.Imported, demo.Weak,
		demo.Requested, demo.Extended, demo.Invited, demo.Lapsed, demo.Suspended, demo.Stopped, demo.Void} {
		if states[state] == 0 {
			t.Errorf("nobody is %s", state)
		}
	}
}

func TestTheGuideNamesOneOfEachKind(t *testing.T) {
	people := demo.Guide(demo.Everybody())
	if len(people) != 6 || !people[5].Operator {
		t.Fatalf("%d people, want five and the operator: %+v", len(people), people)
	}
	names := map[string]bool{}
	for _, p := range people {
		names[p.Email] = true
		if p.Part == "" || p.Name == "" || p.Password == "" {
			t.Errorf("something lacks: %+v", p)
		}
	}
	if len(names) != 6 {
		t.Errorf("somebody plays two parts: %v", slices.Sorted(maps.Keys(names)))
	}
}

func TestTheFactsAreWrittenForTheirOwnerAndReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "demo.json")
	facts := demo.Everybody()
	facts.URL, facts.Rollout = "http://127.0.0.1:8080", demo.PeriodAt(time.Unix(1521298800, 0), tokyo)
	facts.Windows = []demo.Window{{Opens: facts.Rollout.Opens, Closes: facts.Rollout.Opens.Add(5 * time.Hour)}}
	for range 2 { // the second time over the first
		must(t, demo.Write(path, facts))
	}
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o, want 600", info.Mode().Perm())
	}
	back, err := demo.Read(path)
	must(t, err)
	if !reflect.DeepEqual(back, facts) {
		t.Error("what was read is not what was written")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".demo-*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	if err := demo.Write(filepath.Join(path, "no", "folder.json"), facts); err == nil {
		t.Error("writing into no folder went well")
	}
}

func TestTheFactsHaveTheShapeThatProgramsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "demo.json")
	facts := demo.Everybody()
	facts.Windows = []demo.Window{{}}
	must(t, demo.Write(path, facts))
	text, err := os.ReadFile(path)
	must(t, err)
	var top map[string]any
	must(t, json.Unmarshal(text, &top))
	keys := func(value any, want ...string) {
		t.Helper()
		for _, key := range want {
			if _, ok := value.(map[string]any)[key]; !ok {
				t.Errorf("%s lacks", key)
			}
		}
	}
	keys(top, "url", "database", "key_file", "operator", "accounts", "rollout", "windows")
	keys(top["operator"], "email", "password", "totp_secret")
	keys(top["accounts"].([]any)[0], "email", "password", "name", "phone", "authority", "organization", "method", "enrolled", "totp_secret")
	keys(top["rollout"], "opens", "ends")
	keys(top["windows"].([]any)[0], "opens", "closes")
}
