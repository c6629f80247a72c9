// Package sqlitekit opens SQLite files for a service: WAL, every commit on disk before it is answered, numbered migrations, and
// writes of many callers committed together.
package sqlitekit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	readers = 4 // connections for reading, beside the one that writes
	pragmas = "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=temp_store(MEMORY)" +
		"&_pragma=cache_size(-16000)&_pragma=wal_autocheckpoint(4000)" // 16 MB of cache a connection; 16 MB of WAL
)

// ErrNoRows is returned by Scan where a query has no row.
var ErrNoRows = sql.ErrNoRows

// Rows are the rows of a query.
type Rows = sql.Rows

// DB is one SQLite file. A second DB on the same file, in this process or another, is safe.
type DB struct {
	read   *sql.DB
	write  *sql.DB
	writer *writer

	mu         sync.RWMutex
	statements map[string]*sql.Stmt // over read, by query
}

// Open opens or creates the file and brings it to the newest of the migrations, which are numbered from 1 by their place.
// It returns an error where the file is of a newer release.
func Open(ctx context.Context, path string, migrations []string) (*DB, error) {
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + pragmas
	write, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	read, err := sql.Open("sqlite", dsn+"&_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	db := &DB{read: read, write: write, statements: map[string]*sql.Stmt{}}
	if err := db.begin(ctx, migrations); err != nil {
		return nil, fmt.Errorf("%s: %w", path, errors.Join(err, read.Close(), write.Close()))
	}
	return db, nil
}

func (d *DB) begin(ctx context.Context, migrations []string) error {
	conn, err := d.write.Conn(ctx)
	if err != nil {
		return err
	}
	d.writer = &writer{tx: &Tx{conn: conn, statements: map[string]*sql.Stmt{}}}
	return d.migrate(ctx, migrations)
}

func (d *DB) migrate(ctx context.Context, migrations []string) error {
	return d.Write(ctx, func(tx *Tx) error {
		var version int
		if err := tx.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		if version > len(migrations) {
			return fmt.Errorf("the file has schema %d, this release knows up to %d", version, len(migrations))
		}
		for i, migration := range migrations[version:] {
			if _, err := tx.conn.ExecContext(context.Background(), migration); err != nil {
				return fmt.Errorf("migration %d: %w", version+i+1, err)
			}
		}
		_, err := tx.conn.ExecContext(context.Background(), fmt.Sprintf("PRAGMA user_version = %d", len(migrations)))
		return err
	})
}

// Query reads rows. The caller closes them.
func (d *DB) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	s, err := d.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// Get reads the one row of a query into dest. It returns ErrNoRows where there is none.
func (d *DB) Get(ctx context.Context, dest []any, query string, args ...any) error {
	s, err := d.prepare(ctx, query)
	if err != nil {
		return err
	}
	return s.QueryRowContext(ctx, args...).Scan(dest...)
}

func (d *DB) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	d.mu.RLock()
	s := d.statements[query]
	d.mu.RUnlock()
	if s != nil {
		return s, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.statements[query]; s != nil {
		return s, nil
	}
	s, err := d.read.PrepareContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", query, err)
	}
	d.statements[query] = s
	return s, nil
}

// Queries lists the statements that were run so far, but those that begin and end transactions or ask for plans.
func (d *DB) Queries() []string {
	var queries []string
	d.mu.RLock()
	defer d.mu.RUnlock()
	for query := range d.statements {
		queries = append(queries, query)
	}
	_ = d.writer.do(&pending{ctx: context.Background(), fn: func(tx *Tx) error {
		queries = append(queries, slices.Collect(maps.Keys(tx.statements))...)
		return nil
	}})
	return slices.DeleteFunc(queries, func(query string) bool {
		verb, _, _ := strings.Cut(strings.TrimSpace(query), " ")
		return !slices.Contains([]string{"SELECT", "INSERT", "UPDATE", "DELETE"}, verb)
	})
}

// Ping returns an error where the file cannot be read.
func (d *DB) Ping(ctx context.Context) error { return d.Get(ctx, []any{new(int)}, "SELECT 1") }

// Close waits for the write under way and closes the file.
func (d *DB) Close() error {
	return errors.Join(d.writer.close(), d.read.Close(), d.write.Close())
}

// IsDuplicate reports whether err says that a unique index holds the value already.
func IsDuplicate(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// Copy writes the file at from, as of one moment, to a new file at to, beside whoever uses it. It returns an error where to exists.
func Copy(ctx context.Context, from, to string) error {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: from}).EscapedPath()+"?mode=rw&_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", to)
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	return nil
}
