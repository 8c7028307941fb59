package figure

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// bareSQL is what the bare bulk insert inserts.
//
//go:embed bare.sql
var bareSQL string

// Sizes of the import bench: people of an organization, and rows of a transaction, as
// the import has them.
const (
	ofOrganization = 200
	ofBatch        = 1000
)

// importing: the import command itself on a file of so many people, against a bare bulk
// insert of the same columns into the same tables, each on an empty database.
func (r *Run) importing(ctx context.Context) error {
	people := max(ofBatch, r.Accounts-r.Accounts%ofBatch)
	folder, err := os.MkdirTemp("", "nidan-bench-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "people.csv")
	if err := writePeople(file, people); err != nil {
		return err
	}
	said := phrase.Number(int64(people))
	var rates [2]float64
	for i, one := range []struct {
		name string
		do   func(ctx context.Context, source, key string) (time.Duration, error)
	}{
		{"bare", func(ctx context.Context, source, _ string) (time.Duration, error) {
			return r.bareInsert(ctx, source, people)
		}},
		{"import", func(ctx context.Context, source, key string) (time.Duration, error) {
			return r.importFile(ctx, source, key, file, people)
		}},
	} {
		r.tell("%s: %s people …", one.name, said)
		source, err := r.place(ctx, folder, one.name)
		if err != nil {
			return err
		}
		took, err := one.do(ctx, source, filepath.Join(folder, one.name+".key"))
		if err != nil {
			return err
		}
		rates[i] = float64(people) / took.Seconds()
	}
	r.told("bare bulk insert of "+said+" people, rows a second", rates[0], "/s")
	r.told("import of "+said+" people, rows a second", rates[1], "/s")
	r.atLeast("import ÷ bare bulk insert", rates[1]/rates[0], 0.40, "")
	return nil
}

// place is an empty database of its own: a file, or a schema.
func (r *Run) place(ctx context.Context, folder, name string) (string, error) {
	if r.Database == "" {
		return filepath.Join(folder, name+".db"), nil
	}
	u, err := url.Parse(r.Database)
	if err != nil {
		return "", err
	}
	db, err := store.Open(ctx, r.Database, clk.Now)
	if err != nil {
		return "", err
	}
	defer db.Close()
	schema := "bench_" + name
	err = db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.Exec(ctx, "drop schema if exists "+schema+" cascade"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "create schema "+schema)
		return err
	})
	values := u.Query()
	values.Set("search_path", schema)
	u.RawQuery = values.Encode()
	return u.String(), err
}

// writePeople writes a CSV file of so many people, each with a hash of its own.
func writePeople(name string, people int) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(file, 1<<20)
	fmt.Fprintln(out, "organization,email,name,phone,authority,method,mail_language,time_zone,password_hash,job_title,mobile")
	for i := range people {
		authority := "general_user"
		if i%ofOrganization < 2 {
			authority = "portal_admin"
		}
		sum := sha256.Sum256([]byte(strconv.Itoa(i))) // as long as SHA-1 with a salt of twelve
		fmt.Fprintf(out, "Organization %d,p%d@crowd.example,Hanako %d,03-1234-%04d,%s,,ja,Asia/Tokyo,{SSHA}%s,Clerk,\n",
			i/ofOrganization, shuffled(i, people), (i*7919)%100003, i%10000, authority, base64.StdEncoding.EncodeToString(sum[:]))
	}
	return errors.Join(out.Flush(), file.Close())
}

// shuffled is a number of each person in no order, as addresses are in.
func shuffled(i, people int) int { return (i*48_271 + 11) % (people*7 + 1) }

// importFile runs the command, in a process of its own, whose memory is told by the system.
func (r *Run) importFile(ctx context.Context, source, key, file string, people int) (time.Duration, error) {
	keys, err := secret.CreateKeys(key)
	if err != nil {
		return 0, err
	}
	if err := ready(ctx, source, keys); err != nil {
		return 0, err
	}
	child := exec.CommandContext(ctx, r.Program, "account", "import", file, "--json")
	child.Env = append(os.Environ(), "NIDAN_DATABASE="+source, "NIDAN_KEY_FILE="+key)
	var out bytes.Buffer
	child.Stdout, child.Stderr = &out, r.Out
	began := clk.Machine()
	most, err := watched(child)
	if err != nil {
		return 0, fmt.Errorf("import: %w", err)
	}
	took := clk.Machine().Sub(began)
	var came struct{ Added int }
	if err := json.Unmarshal(out.Bytes(), &came); err != nil || came.Added != people {
		return 0, fmt.Errorf("the import added %d of %d people (%w)", came.Added, people, err)
	}
	r.atMost("memory of the import at its most", most, 300, "MiB")
	return took, nil
}

// ready makes an empty portal of a database.
func ready(ctx context.Context, source string, keys *secret.Keys) error {
	db, err := store.Open(ctx, source, clk.Now)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.Migrate(ctx); err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return store.MarkPortal(ctx, tx, keys.Digest(secret.ForKey, "portal"), false)
	})
}

// table is a table of bare.sql, with the rows that wait for it.
type table struct {
	head  string
	width int
	rows  []any
}

// tables reads bare.sql.
func tables() (list []*table, err error) {
	for _, section := range strings.Split(bareSQL, "\n\n-- ")[1:] {
		name, head, _ := strings.Cut(section, "\n")
		width, err := strconv.Atoi(strings.TrimSpace(name[strings.LastIndexByte(name, ' ')+1:]))
		if err != nil {
			return nil, fmt.Errorf("bare.sql: %w", err)
		}
		list = append(list, &table{head: strings.TrimSpace(head) + " ", width: width})
	}
	return list, nil
}

// bareInsert inserts the columns of so many people: nothing is read, asked, derived or
// recorded.
func (r *Run) bareInsert(ctx context.Context, source string, people int) (time.Duration, error) {
	db, err := store.Open(ctx, source, clk.Now)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	if _, err := db.Migrate(ctx); err != nil {
		return 0, err
	}
	list, err := tables()
	if err != nil {
		return 0, err
	}
	sealed, digest := make([]byte, 85), make([]byte, 32)
	began := clk.Machine()
	for first := 0; first < people; first += ofBatch {
		for _, t := range list {
			t.rows = t.rows[:0]
		}
		for i := first; i < min(first+ofBatch, people); i++ {
			fillBare(list, i, people, sealed, digest)
		}
		err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			for _, t := range list {
				if err := tx.InsertMany(ctx, t.head, t.width, t.rows); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return 0, fmt.Errorf("bare bulk insert: %w", err)
		}
	}
	return clk.Machine().Sub(began), nil
}

// fillBare adds one person's rows.
func fillBare(list []*table, i, people int, sealed, digest []byte) {
	now := int64(1_700_000_000_000_000)
	id, of := secret.ID(), fmt.Sprintf("o%06d", i/ofOrganization)
	email, name := fmt.Sprintf("p%d@crowd.example", shuffled(i, people)), fmt.Sprintf("Hanako %d", (i*7919)%100003)
	add := func(n int, values ...any) { list[n].rows = append(list[n].rows, values...) }
	if i%ofOrganization == 0 {
		add(0, of, "Organization "+of, "organization "+of, now)
	}
	authority := "general_user"
	if i%ofOrganization < 2 {
		authority = "portal_admin"
	}
	key := "hanako" + name[7:]
	add(1, email, of, id)
	add(2, id, of, email, email, digest, name, key, "0312340000", authority, "totp", "console bench", now, "", "ja", "Asia/Tokyo", "Clerk", "", false, now, now)
	add(3, of, id, "", now, now, false, sealed, "ldap-ssha")
	add(4, of, id, "", 0)
}
