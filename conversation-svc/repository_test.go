package conversation_test

import (
	"errors"
	"path/filepath"
	"testing"

	conversation "github.com/confab-chat/confab/conversation-svc"
	"github.com/confab-chat/confab/conversation-svc/conversationtest"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/mongokit/mongotest"
	"github.com/confab-chat/confab/pkg/sqlitekit/sqlitetest"
)

func TestSQLiteKeepsTheContractAndReadsByIndexes(t *testing.T) {
	conversationtest.RunRepository(t, func(t *testing.T) conversationtest.Open {
		open := openSQLite(t)
		return func(t *testing.T) conversation.Repository {
			r := open(t)
			t.Cleanup(func() {
				if db := conversation.SQLiteDB(r); len(db.Queries()) > 0 {
					sqlitetest.RequireIndexed(t, db)
				}
			})
			return r
		}
	})
}

func TestMongoDBKeepsTheContract(t *testing.T) {
	conversationtest.RunRepository(t, openMongo)
}

func openSQLite(t *testing.T) conversationtest.Open {
	path := filepath.Join(t.TempDir(), "conversations.db")
	return func(t *testing.T) conversation.Repository {
		r, err := conversation.OpenSQLite(t.Context(), path)
		return closing(t, r, err)
	}
}

func openMongo(t *testing.T) conversationtest.Open {
	db := mongotest.Database(t)
	return func(t *testing.T) conversation.Repository {
		r, err := conversation.NewMongo(t.Context(), mongotest.Again(t, db))
		return closing(t, r, err)
	}
}

func closing(t *testing.T, r conversation.Repository, err error) conversation.Repository {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func requireCode(t *testing.T, code string, err error, of any) {
	t.Helper()
	if !errors.Is(err, &fault.Error{Code: code}) {
		t.Errorf("%v: the error is %v, want %s", of, err, code)
	}
}
