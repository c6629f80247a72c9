package auth

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/sqlitekit"
)

// Times are milliseconds since the Unix epoch; zero is none.
var sqliteMigrations = []string{`
CREATE TABLE users (
	id               TEXT NOT NULL PRIMARY KEY,
	email            TEXT NOT NULL UNIQUE,
	password_hash    TEXT NOT NULL,
	password_version INTEGER NOT NULL,
	first_name       TEXT NOT NULL,
	last_name        TEXT NOT NULL,
	name_key         TEXT NOT NULL UNIQUE,
	role             TEXT NOT NULL,
	created_at       INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX users_role ON users (role);

CREATE TABLE sessions (
	id               TEXT NOT NULL PRIMARY KEY,
	user_id          TEXT NOT NULL,
	label            TEXT NOT NULL,
	created_at       INTEGER NOT NULL,
	last_used_at     INTEGER NOT NULL,
	expires_at       INTEGER NOT NULL,
	tokens_until     INTEGER NOT NULL,
	generation       INTEGER NOT NULL,
	uses             TEXT NOT NULL, -- a JSON array of times
	password_version INTEGER NOT NULL,
	ended_at         INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_user ON sessions (user_id, ended_at, id);
CREATE INDEX sessions_ended ON sessions (ended_at);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE resets (
	user_id    TEXT NOT NULL PRIMARY KEY,
	token_hash TEXT NOT NULL UNIQUE,
	expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX resets_expiry ON resets (expires_at);

CREATE TABLE keys (
	number     INTEGER NOT NULL PRIMARY KEY,
	id         TEXT NOT NULL,
	seed       BLOB NOT NULL,
	created_at INTEGER NOT NULL
);
CREATE TABLE secrets (
	name  TEXT NOT NULL PRIMARY KEY,
	value BLOB NOT NULL
) WITHOUT ROWID;
`, `
CREATE TABLE networks (
	key        TEXT NOT NULL PRIMARY KEY,
	expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX networks_expiry ON networks (expires_at);
`}

type sqliteRepository struct {
	db *sqlitekit.DB
}

// OpenSQLite opens or creates the file at path, which nobody but its owner may read.
func OpenSQLite(ctx context.Context, path string) (Repository, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // SQLite gives its other files the same mode
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	db, err := sqlitekit.Open(ctx, path, sqliteMigrations)
	if err != nil {
		return nil, err
	}
	return &sqliteRepository{db: db}, nil
}

func (s *sqliteRepository) Ping(ctx context.Context) error { return s.db.Ping(ctx) }

func (s *sqliteRepository) Close() error { return s.db.Close() }

// write runs one statement. It returns none where that changes no row, and taken where it would break a unique index; nil for
// either is fine.
func (s *sqliteRepository) write(ctx context.Context, none, taken error, statement string, args ...any) error {
	err := s.db.Write(ctx, func(tx *sqlitekit.Tx) error {
		result, err := tx.Exec(statement, args...)
		if err != nil {
			return err
		}
		if rows, err := result.RowsAffected(); err != nil || rows > 0 {
			return err
		}
		return none
	})
	if taken != nil && sqlitekit.IsDuplicate(err) {
		return taken
	}
	return err
}

// sqliteRows reads all rows of a query, each with scan.
func sqliteRows[T any](ctx context.Context, db *sqlitekit.DB, scan func(func(...any) error) (T, error), query string, args ...any) ([]T, error) {
	rows, err := db.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		item, err := scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, item)
	}
	return out, rows.Err()
}

// sqliteRow reads the one row of a query with scan. It returns none where there is no row.
func sqliteRow[T any](ctx context.Context, db *sqlitekit.DB, scan func(func(...any) error) (T, error), none error, query string, args ...any) (T, error) {
	item, err := scan(func(dest ...any) error { return db.Get(ctx, dest, query, args...) })
	if errors.Is(err, sqlitekit.ErrNoRows) {
		err = none
	}
	return item, err
}

// millis is how both stores hold a time.
func millis(t chat.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func timeOf(ms int64) chat.Time {
	if ms == 0 {
		return chat.Time{}
	}
	return chat.FromMillis(ms)
}

func allMillis(times []chat.Time) []int64 {
	out := make([]int64, len(times))
	for i, t := range times {
		out[i] = millis(t)
	}
	return out
}

func allTimes(all []int64) []chat.Time {
	out := make([]chat.Time, len(all))
	for i, ms := range all {
		out[i] = timeOf(ms)
	}
	return out
}

func usesJSON(uses []chat.Time) string {
	text, _ := json.Marshal(allMillis(uses)) // integers always encode
	return string(text)
}
