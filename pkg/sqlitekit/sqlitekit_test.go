package sqlitekit_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/confab-chat/confab/pkg/sqlitekit"
)

var schema = []string{"CREATE TABLE items (k TEXT PRIMARY KEY, v INTEGER) WITHOUT ROWID"}

func open(t *testing.T, path string, migrations ...string) *sqlitekit.DB {
	t.Helper()
	db, err := sqlitekit.Open(t.Context(), path, migrations)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func put(k string, v int) func(*sqlitekit.Tx) error {
	return func(tx *sqlitekit.Tx) error {
		_, err := tx.Exec("INSERT INTO items VALUES (?, ?)", k, v)
		return err
	}
}

func count(t *testing.T, db *sqlitekit.DB) (n int) {
	t.Helper()
	if err := db.Get(t.Context(), []any{&n}, "SELECT count(*) FROM items"); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWritingConnectionUsesWALAndSyncsEveryCommit(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "x.db"), schema...)
	var mode string
	var synchronous int
	err := db.Write(t.Context(), func(tx *sqlitekit.Tx) error {
		return errors.Join(tx.QueryRow("PRAGMA journal_mode").Scan(&mode), tx.QueryRow("PRAGMA synchronous").Scan(&synchronous))
	})
	if err != nil || mode != "wal" || synchronous != 2 {
		t.Fatalf("journal_mode %q, synchronous %d, error %v; want wal, 2 (FULL)", mode, synchronous, err)
	}
}

func TestWritesOfManyCallersFailAlone(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "x.db"), schema...)
	var group sync.WaitGroup
	for i := range 500 {
		group.Go(func() {
			err := db.Write(context.Background(), put(fmt.Sprint(i/2), i)) // each key twice: one of the two fails
			if err != nil && !sqlitekit.IsDuplicate(err) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := count(t, db); n != 250 {
		t.Fatalf("%d rows, want 250", n)
	}
}

func TestFailedWriteLeavesNothingBehind(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "x.db"), schema...)
	refusal := errors.New("no")
	err := db.Write(t.Context(), func(tx *sqlitekit.Tx) error { return errors.Join(put("a", 1)(tx), refusal) })
	if !errors.Is(err, refusal) || count(t, db) != 0 {
		t.Fatalf("error %v, %d rows; want the write's own error and no row", err, count(t, db))
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Write(ended, put("a", 1)); !errors.Is(err, context.Canceled) {
		t.Fatalf("a write whose caller has left: %v", err)
	}
}

func TestTwoHandlesShareOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	handles := []*sqlitekit.DB{open(t, path, schema...), open(t, path, schema...)}
	var group sync.WaitGroup
	for i := range 200 {
		group.Go(func() {
			if err := handles[i%2].Write(context.Background(), put(fmt.Sprint(i), i)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := count(t, handles[0]); n != 200 {
		t.Fatalf("%d rows, want 200", n)
	}
}

func TestMigrationsRunOnceAndNewerFilesAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db := open(t, path, schema...)
	if err := db.Write(t.Context(), put("kept", 1)); err != nil {
		t.Fatal(err)
	}
	second := []string{schema[0], "ALTER TABLE items ADD COLUMN w INTEGER NOT NULL DEFAULT 7"}
	newer := open(t, path, second...)
	var w int
	if err := newer.Get(t.Context(), []any{&w}, "SELECT w FROM items WHERE k = ?", "kept"); err != nil || w != 7 {
		t.Fatalf("w = %d, %v; want the row kept and the new column's default", w, err)
	}
	_, err := sqlitekit.Open(t.Context(), path, schema)
	if err == nil || !strings.Contains(err.Error(), "schema 2") {
		t.Fatalf("an older release opened the file of a newer one: %v", err)
	}
}

func TestClosedDatabaseRefusesWrites(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "x.db"), schema...)
	if err := errors.Join(db.Close(), db.Write(t.Context(), put("a", 1))); !errors.Is(err, sqlitekit.ErrClosed) {
		t.Fatalf("got %v, want ErrClosed", err)
	}
}
