package conversation_test

import (
	"errors"
	"path/filepath"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo"

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

func TestStartOverMongoDB(t *testing.T) {
	write := func(t *testing.T, db *mongo.Database) {
		r, err := conversation.NewMongo(t.Context(), db)
		closing(t, r, err)
		for range 2 {
			c := conversation.NewGroup("ann", "a title", "")
			if err := errors.Join(r.Insert(t.Context(), c, []string{"ann", "bob"}), r.MarkRead(t.Context(), c.ID, "bob", 1)); err != nil {
				t.Fatal(err)
			}
		}
	}
	mongotest.RunStart(t, conversation.NewMongo, write, map[string][]string{
		"conversations": {"direct_key_1 unique", "creator_id_1_client_id_1 unique", "participants_1_last_activity_-1__id_-1"},
		"members":       {"conversation_id_1"},
	})
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
