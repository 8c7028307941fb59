package figure

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"nidan/internal/backup"
	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// backup: the commands themselves on a portal with so many people, against a raw copy
// of the same rows into another database, which compares, packs and encrypts nothing.
func (r *Run) backup(ctx context.Context) error {
	w, err := r.build(ctx)
	defer w.close()
	if err != nil {
		return err
	}
	crowd := crowdOf(r.Accounts)
	r.tell("%s people are being written …", phrase.Number(int64(crowd.Accounts)))
	if _, _, err := w.fill(ctx, w.portal.Keys, crowd, func(int) {}); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "nidan-bench-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	keyFile, file := filepath.Join(folder, "nidan.key"), filepath.Join(folder, "portal.nidan")
	keys, err := secret.CreateKeys(keyFile)
	if err != nil {
		return err
	}
	err = w.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return store.MarkPortal(ctx, tx, keys.Digest(secret.ForKey, "portal"), false)
	})
	if err != nil {
		return err
	}
	r.tell("a raw copy …")
	rows, raw, err := r.rawCopy(ctx, w.db, folder)
	if err != nil {
		return err
	}
	target, err := r.place(ctx, folder, "restored")
	if err != nil {
		return err
	}
	took := map[string]time.Duration{}
	for _, one := range []struct {
		name, database string
		args           []string
	}{{"backup", w.source, []string{"backup", file, "--json"}}, {"restore", target, []string{"restore", file, "--json"}}} {
		r.tell("%s …", one.name)
		if took[one.name], err = r.measured(ctx, one.name, one.database, keyFile, one.args); err != nil {
			return err
		}
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	rate := func(d time.Duration) float64 { return float64(rows) / d.Seconds() }
	r.told("rows of a portal of "+phrase.Number(int64(crowd.Accounts))+" people", float64(rows), "")
	r.told("the backup of them", float64(info.Size())/(1<<20), "MiB")
	r.told("raw copy into another database, rows a second", rate(raw), "/s")
	r.told("backup, rows a second", rate(took["backup"]), "/s")
	r.told("restore, rows a second", rate(took["restore"]), "/s")
	r.atLeast("backup ÷ raw copy", raw.Seconds()/took["backup"].Seconds(), 1, "")
	r.atLeast("restore ÷ raw copy", raw.Seconds()/took["restore"].Seconds(), 0.40, "")
	return nil
}

// rawCopy reads every row and writes it into another database.
func (r *Run) rawCopy(ctx context.Context, from *store.DB, folder string) (rows int64, took time.Duration, err error) {
	place, err := r.place(ctx, folder, "copied")
	if err != nil {
		return 0, 0, err
	}
	to, err := store.Open(ctx, place, clk.Now)
	if err != nil {
		return 0, 0, err
	}
	defer to.Close()
	if _, err := to.Migrate(ctx); err != nil {
		return 0, 0, err
	}
	if err := to.Empty(ctx, []string{"policy", "ticket_counter"}); err != nil {
		return 0, 0, err
	}
	began := clk.Machine()
	err = from.Snapshot(ctx, func(ctx context.Context, reader store.Reader) error {
		schema, err := from.Tables(ctx, reader)
		if err != nil {
			return err
		}
		for _, t := range backup.Tables {
			dump := store.Dump{Table: t.Name, Columns: schema[t.Name]}
			loader := to.Load(dump)
			err := dump.Each(ctx, reader, func(values []any) error { rows++; return loader.Add(ctx, values) })
			if err == nil {
				err = loader.Flush(ctx)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return rows, clk.Machine().Sub(began), err
}

// measured runs a command in a process of its own.
func (r *Run) measured(ctx context.Context, name, database, keyFile string, args []string) (time.Duration, error) {
	child := exec.CommandContext(ctx, r.Program, args...)
	child.Env = append(os.Environ(), "NIDAN_DATABASE="+database, "NIDAN_KEY_FILE="+keyFile, "NIDAN_BACKUP_RECIPIENTS=")
	child.Stderr = r.Out
	began := clk.Machine()
	most, err := watched(child)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	took := clk.Machine().Sub(began)
	r.atMost("memory of the "+name+" at its most", most, 200, "MiB")
	return took, nil
}

// watched runs a program to its end, and answers its memory at its most, in MiB. It is
// asked for while the program runs: what the system tells at its end is no less than what
// this process had when it began the other.
func watched(child *exec.Cmd) (most float64, err error) {
	if err := child.Start(); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	ask := time.NewTicker(20 * time.Millisecond)
	defer ask.Stop()
	for {
		select {
		case <-ask.C:
			most = max(most, memory(child.Process.Pid))
		case err := <-ended:
			return most, err
		}
	}
}

// memory is what a process has had at its most, in MiB; 0 where the system does not
// say it so.
func memory(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kib, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0
	}
	return kib / 1024
}
