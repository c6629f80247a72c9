package auth

import (
	"context"

	"github.com/confab-chat/confab/pkg/chat"
)

func (s *sqliteRepository) RememberNetwork(ctx context.Context, key string, until chat.Time) error {
	return s.write(ctx, nil, nil, `INSERT INTO networks (key, expires_at) VALUES (?, ?)
		ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at`, key, millis(until))
}

func (s *sqliteRepository) KnowsNetwork(ctx context.Context, key string, now chat.Time) (known bool, err error) {
	err = s.db.Get(ctx, []any{&known}, "SELECT EXISTS (SELECT 1 FROM networks WHERE key = ? AND expires_at > ?)", key, millis(now))
	return known, err
}
