package auth

import "context"

func (s *sqliteRepository) Keys(ctx context.Context) ([]Key, error) {
	return sqliteRows(ctx, s.db, func(scan func(...any) error) (Key, error) {
		var k Key
		var created int64
		err := scan(&k.Number, &k.ID, &k.Seed, &created)
		k.CreatedAt = timeOf(created)
		return k, err
	}, "SELECT number, id, seed, created_at FROM keys WHERE number > 0 ORDER BY number DESC")
}

func (s *sqliteRepository) AddKey(ctx context.Context, k Key) error {
	return s.write(ctx, nil, ErrStale, "INSERT INTO keys (number, id, seed, created_at) VALUES (?, ?, ?, ?)",
		k.Number, k.ID, k.Seed, millis(k.CreatedAt))
}

func (s *sqliteRepository) Secret(ctx context.Context, name string, fresh []byte) ([]byte, error) {
	err := s.write(ctx, nil, nil, "INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", name, fresh)
	if err != nil {
		return nil, err
	}
	var value []byte
	err = s.db.Get(ctx, []any{&value}, "SELECT value FROM secrets WHERE name = ?", name)
	return value, err
}
