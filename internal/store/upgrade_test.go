package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// next is one more step after those of this program.
func next(t *testing.T, steps []store.Migration, text string) []store.Migration {
	t.Helper()
	step, err := store.NewMigration(len(steps)+1, fmt.Sprintf("%04d_later.sql", len(steps)+1), text)
	if err != nil {
		t.Fatal(err)
	}
	return append(slices.Clone(steps), step)
}

// An older program decides about steps it has never seen by what they say themselves.
func TestAnOlderProgramServesAsLongAsEachNewerStepSaysItMay(t *testing.T) {
	eachEmpty(t, func(t *testing.T, source string) {
		old := known(t)
		n := len(old)
		expand := next(t, old, fmt.Sprintf("-- serves-from: %d\nalter table account add column shoe text not null default '';\n", n))
		more := next(t, expand, fmt.Sprintf("-- serves-from: %d\ncreate table shoe (id text primary key);\n", n))
		contract := next(t, more, fmt.Sprintf("-- serves-from: %d\nalter table account drop column job_title;\n", n+1))
		silent := next(t, contract, "create table sock (id text primary key);\n")
		db := empty(t, source)
		for _, c := range []struct {
			with  []store.Migration
			serve []bool // programs that end with old, expand, more, contract, silent
		}{
			{old, []bool{true, false, false, false, false}},
			{expand, []bool{true, true, false, false, false}},
			{more, []bool{true, true, true, false, false}},
			{contract, []bool{false, true, true, true, false}},
			{silent, []bool{false, false, false, false, true}},
		} {
			if _, err := db.Knowing(c.with).Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			for i, program := range [][]store.Migration{old, expand, more, contract, silent} {
				_, err := db.Knowing(program).Schema(t.Context())
				if (err == nil) != c.serve[i] || err != nil && !errors.Is(err, store.ErrSchema) {
					t.Errorf("database with %d steps, program with %d: %v", len(c.with), len(program), err)
				}
				if says := map[bool]string{true: "nidan migrate", false: "install the newer"}[len(program) > len(c.with)]; err != nil && !strings.Contains(err.Error(), says) {
					t.Errorf("database with %d steps, program with %d says %q", len(c.with), len(program), err)
				}
			}
		}
	})
}

// The list of steps of databases that were made before steps said whom they serve.
func TestAnOlderListOfStepsIsBroughtUpInPlace(t *testing.T) {
	eachEmpty(t, func(t *testing.T, source string) {
		steps := known(t)
		db := empty(t, source)
		if _, err := db.Knowing(steps[:len(steps)-1]).Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		change(t, db, `alter table migration drop column serves_from`)
		if _, err := db.Schema(t.Context()); !errors.Is(err, store.ErrSchema) || !strings.Contains(err.Error(), "nidan migrate") {
			t.Errorf("%v", err)
		}
		if _, err := db.Knowing(steps[:len(steps)-2]).Schema(t.Context()); !errors.Is(err, store.ErrSchema) || !strings.Contains(err.Error(), "does not say") {
			t.Errorf("%v", err)
		}
		if done, err := db.Migrate(t.Context()); err != nil || len(done) != 1 {
			t.Errorf("%v %v", done, err)
		}
		there, err := store.AppliedSteps(t.Context(), db)
		if err != nil || len(there) != len(steps) {
			t.Fatal(there, err)
		}
		for i, step := range there {
			if step.ServesFrom != steps[i].ServesFrom || step.ServesFrom == 0 {
				t.Errorf("%s serves from %d, not %d", step.Name, step.ServesFrom, steps[i].ServesFrom)
			}
		}
	})
}

// From the step on that brought this in, each says which programs it serves, and one
// that older programs are to go on with does nothing that they would trip over.
func TestEachStepSaysWhichProgramsItServesAndOneThatServesOlderOnesOnlyAdds(t *testing.T) {
	first := 0
	for _, step := range known(t) {
		if strings.Contains(step.Text, "create table portal_hold") {
			first = step.Version
		}
		if first > 0 && !strings.Contains(step.Text, "-- serves-from: ") {
			t.Errorf("%s: say in a line \"-- serves-from: N\" with which last step an older program may go on serving "+
				"(docs/decisions/0019-upgrades.md)", step.Name)
		}
		if what := tripsOver(step); step.ServesFrom < step.Version && what != "" {
			t.Errorf("%s serves programs that do not know it, and they may trip over %q: leave that to a later step, or name this one", step.Name, what)
		}
	}
	for text, trips := range map[string]bool{
		"create table shoe (id text primary key);":                          false,
		"alter table account add column shoe text;":                         false,
		"alter table account add column shoe text not null default '';":     false,
		"create index account_shoe on account (shoe);":                      false,
		"create table shoe (id text);\ncreate unique index s on shoe (id);": false,
		"create unique index account_shoe on account (shoe);":               true,
		"alter table account add column shoe text not null;":                true,
		"alter table account drop column name;":                             true,
		"alter table account rename column name to shoe;":                   true,
		"drop table account;":                                               true,
		"delete from account;":                                              true,
	} {
		if got := tripsOver(store.Migration{Text: text + "\n"}) != ""; got != trips {
			t.Errorf("%q: %t", text, got)
		}
	}
}

var (
	made   = regexp.MustCompile(`(?i)create\s+table\s+(\w+)`)
	unique = regexp.MustCompile(`(?i)^create\s+unique\s+index\s+\w+\s+on\s+(\w+)`)
	adds   = regexp.MustCompile(`(?i)^alter\s+table\s+\w+\s+add\s+column\s`)
	harms  = regexp.MustCompile(`(?i)^(drop\s+table|drop\s+view|delete\s|alter\s+table\s+\w+\s+(drop|rename|alter)\s)`)
)

// tripsOver is the statement of a step that an older program cannot go on with.
func tripsOver(step store.Migration) string {
	own := map[string]bool{}
	for _, found := range made.FindAllStringSubmatch(step.Text, -1) {
		own[found[1]] = true
	}
	for statement := range strings.SplitSeq(step.Text, ";\n") {
		var lines []string
		for line := range strings.SplitSeq(statement, "\n") {
			if !strings.HasPrefix(line, "--") {
				lines = append(lines, line)
			}
		}
		text := strings.TrimSpace(strings.Join(lines, "\n"))
		lower := strings.ToLower(text)
		index := unique.FindStringSubmatch(text)
		switch {
		case harms.MatchString(text),
			index != nil && !own[index[1]],
			adds.MatchString(text) && strings.Contains(lower, "not null") && !strings.Contains(lower, "default"):
			return text
		}
	}
	return ""
}

// What the process that is killed is told.
const migratedPlace = "NIDAN_TEST_MIGRATE"

// slowly is a step of very many statements.
const slowly = "create table slow (n bigint not null);\n"

func slowStep(steps []store.Migration) (store.Migration, error) {
	return store.NewMigration(len(steps)+1, "slow.sql", slowly+strings.Repeat("insert into slow (n) select count(*) from slow;\n", 20_000))
}

// migrateToBeKilled is that process: it says when it is in the middle, and goes on.
func migrateToBeKilled() int {
	steps, err := store.Migrations()
	if err != nil {
		return 1
	}
	slow, err := slowStep(steps)
	if err != nil {
		return 1
	}
	db, err := store.Open(context.Background(), os.Getenv(migratedPlace), func() time.Time { return storetest.Start })
	if err != nil {
		return 1
	}
	ctx, trips := store.Counting(context.Background())
	go func() {
		for trips.N() < 400 { // all tables are made by then, and some hundred rows of the slow step
			time.Sleep(time.Millisecond)
		}
		fmt.Println("in the middle")
	}()
	_, err = db.Knowing(append(steps, slow)).Migrate(ctx)
	fmt.Println("ended", err)
	return 0
}

func TestMain(m *testing.M) {
	if os.Getenv(migratedPlace) != "" {
		os.Exit(migrateToBeKilled())
	}
	os.Exit(m.Run())
}

func TestAMigrationThatIsKilledHasDoneNothingAndIsDoneByTheNext(t *testing.T) {
	eachEmpty(t, func(t *testing.T, source string) {
		db := empty(t, source)
		steps := known(t)
		if _, err := db.Knowing(steps[:len(steps)-1]).Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		victim := exec.Command(os.Args[0])
		victim.Env = append(os.Environ(), migratedPlace+"="+source)
		out, err := victim.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := victim.Start(); err != nil {
			t.Fatal(err)
		}
		said := bufio.NewReader(out)
		first, _ := said.ReadString('\n')
		_ = victim.Process.Kill()
		second, _ := said.ReadString('\n')
		_ = victim.Wait()
		if !strings.HasPrefix(first, "in the middle") || second != "" {
			t.Fatalf("it said %q, then %q: it was not killed in the middle", first, second)
		}
		if _, err := db.Knowing(steps[:len(steps)-1]).Schema(t.Context()); err != nil {
			t.Errorf("the program before: %v", err)
		}
		if err := db.QueryRow(t.Context(), `select count(*) from slow`).Scan(new(int)); err == nil {
			t.Error("something of it is there")
		}
		done, err := db.Migrate(t.Context())
		if err != nil || len(done) != 1 {
			t.Errorf("%d steps, %v", len(done), err)
		}
		if empty, err := db.Schema(t.Context()); empty || err != nil {
			t.Errorf("%v", err)
		}
	})
}
