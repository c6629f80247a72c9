package auth_test

import (
	"os"
	"path/filepath"
	"testing"

	auth "github.com/confab-chat/confab/auth-svc"
	"github.com/confab-chat/confab/auth-svc/authtest"
	"github.com/confab-chat/confab/pkg/mongokit/mongotest"
	"github.com/confab-chat/confab/pkg/sqlitekit/sqlitetest"
)

func TestSQLiteKeepsTheContract(t *testing.T) {
	authtest.RunRepository(t, openSQLite)
}

func TestMongoDBKeepsTheContract(t *testing.T) {
	authtest.RunRepository(t, openMongo)
}

// openSQLite also holds the queries of each handle to their indexes when its test ends.
func openSQLite(t *testing.T) authtest.Open {
	path := filepath.Join(t.TempDir(), "auth.db")
	return func(t *testing.T) auth.Repository {
		r, err := auth.OpenSQLite(t.Context(), path)
		r = closing(t, r, err)
		t.Cleanup(func() {
			if db := auth.SQLiteDB(r); len(db.Queries()) > 0 {
				sqlitetest.RequireIndexed(t, db)
			}
		})
		return r
	}
}

func openMongo(t *testing.T) authtest.Open {
	db := mongotest.Database(t)
	return func(t *testing.T) auth.Repository {
		r, err := auth.NewMongoRepository(t.Context(), mongotest.Again(t, db))
		return closing(t, r, err)
	}
}

func closing(t *testing.T, r auth.Repository, err error) auth.Repository {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func TestSQLiteFilesAreTheirOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	r, err := auth.OpenSQLite(t.Context(), filepath.Join(dir, "auth.db"))
	closing(t, r, err)
	if _, err := r.Secret(t.Context(), "name", []byte("secret")); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 3 {
		t.Fatalf("%v, %v: the file, its WAL and its index were expected", files, err)
	}
	for _, file := range files {
		if info, err := file.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file.Name(), info.Mode(), err)
		}
	}
}
