package message_test

import (
	"path/filepath"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo"

	message "github.com/confab-chat/confab/message-svc"
	"github.com/confab-chat/confab/message-svc/messagetest"
	"github.com/confab-chat/confab/pkg/mongokit/mongotest"
	"github.com/confab-chat/confab/pkg/sqlitekit/sqlitetest"
)

func TestSQLiteKeepsTheContract(t *testing.T) {
	messagetest.RunRepository(t, func(t *testing.T) messagetest.Open {
		open := openSQLite(t)
		return func(t *testing.T) message.Repository {
			r := open(t)
			t.Cleanup(func() { sqlitetest.RequireIndexed(t, message.DB(r)) })
			return r
		}
	})
}

func TestMongoDBKeepsTheContract(t *testing.T) {
	messagetest.RunRepository(t, openMongo)
}

func TestStartOverMongoDB(t *testing.T) {
	write := func(t *testing.T, db *mongo.Database) {
		r, err := message.NewMongoRepository(t.Context(), db)
		closing(t, r, err)
		for _, key := range []string{"one", "two"} {
			if o := r.Append(t.Context(), "c", []message.Draft{newDraft(message.OpCreate, 0, key)})[0]; o.Err != nil {
				t.Fatal(o.Err)
			}
		}
	}
	mongotest.RunStart(t, message.NewMongoRepository, write, map[string][]string{"messages": {
		"conversation_id_1_n_1 unique", "conversation_id_1_seq_1 unique", "conversation_id_1_author_id_1_client_msg_id_1 unique",
	}})
}

func openSQLite(t *testing.T) messagetest.Open {
	path := filepath.Join(t.TempDir(), "messages.db")
	return func(t *testing.T) message.Repository {
		r, err := message.OpenSQLite(t.Context(), path)
		return closing(t, r, err)
	}
}

func openMongo(t *testing.T) messagetest.Open {
	db := mongotest.Database(t)
	return func(t *testing.T) message.Repository {
		r, err := message.NewMongoRepository(t.Context(), mongotest.Again(t, db))
		return closing(t, r, err)
	}
}

func closing(t *testing.T, r message.Repository, err error) message.Repository {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}
