package auth

import (
	"context"
	"errors"
	"slices"
)

const sqliteUser = "SELECT id, email, password_hash, password_version, first_name, last_name, role, created_at FROM users "

func scanUser(scan func(...any) error) (User, error) {
	var u User
	var created int64
	err := scan(&u.ID, &u.Email, &u.PasswordHash, &u.PasswordVersion, &u.FirstName, &u.LastName, &u.Role, &created)
	u.CreatedAt = timeOf(created)
	return u, err
}

func (s *sqliteRepository) CreateUser(ctx context.Context, u User) error {
	return s.write(ctx, nil, ErrEmailTaken, `INSERT INTO users
		(id, email, password_hash, password_version, first_name, last_name, name_key, role, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		u.ID, u.Email, u.PasswordHash, u.PasswordVersion, u.FirstName, u.LastName, u.nameKey(), u.Role, millis(u.CreatedAt))
}

func (s *sqliteRepository) User(ctx context.Context, id string) (User, error) {
	return sqliteRow(ctx, s.db, scanUser, ErrNoUser, sqliteUser+"WHERE id = ?", id)
}

func (s *sqliteRepository) UserByEmail(ctx context.Context, email string) (User, error) {
	return sqliteRow(ctx, s.db, scanUser, ErrNoUser, sqliteUser+"WHERE email = ?", email)
}

// UsersByID asks once for each: a statement with as many parameters as ids would be another one for each number of them.
func (s *sqliteRepository) UsersByID(ctx context.Context, ids []string) ([]User, error) {
	var users []User
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		u, err := s.User(ctx, id)
		if errors.Is(err, ErrNoUser) {
			continue
		}
		if err != nil {
			return nil, err
		}
		users = append(users, u)
	}
	return users, nil
}

func (s *sqliteRepository) UsersByName(ctx context.Context, after, before string, limit int) ([]User, error) {
	return sqliteRows(ctx, s.db, scanUser, sqliteUser+"WHERE name_key > ? AND name_key < ? ORDER BY name_key LIMIT ?", after, before, limit)
}

func (s *sqliteRepository) UsersByRole(ctx context.Context, role string) ([]User, error) {
	return sqliteRows(ctx, s.db, scanUser, sqliteUser+"WHERE role = ?", role)
}

func (s *sqliteRepository) SetNames(ctx context.Context, u, old User) error {
	return s.write(ctx, ErrStale, nil, "UPDATE users SET first_name = ?, last_name = ?, name_key = ? WHERE id = ? AND first_name = ? AND last_name = ?",
		u.FirstName, u.LastName, u.nameKey(), u.ID, old.FirstName, old.LastName)
}

func (s *sqliteRepository) SetRole(ctx context.Context, id, role string) error {
	return s.write(ctx, ErrNoUser, nil, "UPDATE users SET role = ? WHERE id = ?", role, id)
}

func (s *sqliteRepository) ReplacePassword(ctx context.Context, u User, old string) error {
	return s.write(ctx, ErrStale, nil, "UPDATE users SET password_hash = ?, password_version = ? WHERE id = ? AND password_hash = ?",
		u.PasswordHash, u.PasswordVersion, u.ID, old)
}
