package message_test

import (
	"path/filepath"
	"testing"

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
