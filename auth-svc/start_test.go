package auth_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.mongodb.org/mongo-driver/v2/mongo"

	auth "github.com/confab-chat/confab/auth-svc"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/mongokit/mongotest"
)

// A start makes the signing keys too, where it is the first.
func TestStartOverMongoDB(t *testing.T) {
	var config auth.Config
	config.RegisterFlags(flag.NewFlagSet("auth-svc", flag.ContinueOnError))
	config.MailFile = filepath.Join(t.TempDir(), "mail.log")
	open := func(ctx context.Context, db *mongo.Database) (auth.Repository, error) {
		r, err := auth.NewMongoRepository(ctx, db)
		if err == nil {
			_, err = auth.New(ctx, config, auth.Deps{Env: newEnv(io.Discard, prometheus.NewRegistry()), Repository: r})
		}
		return r, err
	}
	mongotest.RunStart(t, open, writeUsers, map[string][]string{
		"users":    {"email_1 unique", "name_key_1 unique", "role_1"},
		"sessions": {"user_id_1_ended_at_1__id_1", "ended_at_1__id_1", "expires_at_1"},
		"resets":   {"token_hash_1 unique", "expires_at_1"},
		"networks": {"expires_at_1"},
	})
}

func writeUsers(t *testing.T, db *mongo.Database) {
	r, err := auth.NewMongoRepository(t.Context(), db)
	closing(t, r, err)
	later := chat.TimeOf(time.Now().Add(time.Hour))
	for _, id := range []string{"ann", "bob"} {
		err := errors.Join(
			r.CreateUser(t.Context(), auth.User{ID: id, Email: id + "@example.com", FirstName: id, CreatedAt: chat.Now()}),
			r.CreateSession(t.Context(), auth.Session{ID: id, UserID: id, CreatedAt: chat.Now(), ExpiresAt: later, TokensUntil: later}),
			r.SetReset(t.Context(), auth.Reset{UserID: id, TokenHash: id, ExpiresAt: later}),
			r.RememberNetwork(t.Context(), id, later),
		)
		if err != nil {
			t.Fatal(err)
		}
	}
}
