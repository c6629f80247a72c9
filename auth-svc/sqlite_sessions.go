package auth

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/sqlitekit"
)

const sqliteSession = `SELECT id, user_id, label, created_at, last_used_at, expires_at, tokens_until, generation, uses, password_version, ended_at
	FROM sessions `

func scanSession(scan func(...any) error) (Session, error) {
	var s Session
	var created, lastUsed, expires, tokensUntil, ended int64
	var usesText string
	err := scan(&s.ID, &s.UserID, &s.Label, &created, &lastUsed, &expires, &tokensUntil, &s.Generation, &usesText, &s.PasswordVersion, &ended)
	if err != nil {
		return s, err
	}
	s.CreatedAt, s.LastUsedAt, s.ExpiresAt = timeOf(created), timeOf(lastUsed), timeOf(expires)
	s.TokensUntil, s.EndedAt = timeOf(tokensUntil), timeOf(ended)
	var uses []int64
	err = json.Unmarshal([]byte(usesText), &uses)
	s.Uses = allTimes(uses)
	return s, err
}

func (s *sqliteRepository) CreateSession(ctx context.Context, n Session) error {
	return s.write(ctx, nil, nil, `INSERT INTO sessions
		(id, user_id, label, created_at, last_used_at, expires_at, tokens_until, generation, uses, password_version, ended_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		n.ID, n.UserID, n.Label, millis(n.CreatedAt), millis(n.LastUsedAt), millis(n.ExpiresAt), millis(n.TokensUntil),
		n.Generation, usesJSON(n.Uses), n.PasswordVersion, millis(n.EndedAt))
}

func (s *sqliteRepository) Session(ctx context.Context, id string) (Session, error) {
	return sqliteRow(ctx, s.db, scanSession, ErrNoSession, sqliteSession+"WHERE id = ?", id)
}

func (s *sqliteRepository) LiveSessions(ctx context.Context, userID, before string, now chat.Time, limit int) ([]Session, error) {
	if before == "" {
		before = aboveAllIDs
	}
	return sqliteRows(ctx, s.db, scanSession, sqliteSession+`WHERE user_id = ? AND ended_at = 0 AND id < ? AND expires_at > ?
		ORDER BY id DESC LIMIT ?`, userID, before, millis(now), limit)
}

// aboveAllIDs is above every character of an id.
const aboveAllIDs = "~"

func (s *sqliteRepository) RefreshSession(ctx context.Context, n Session, generation int64) error {
	return s.write(ctx, ErrStale, nil, `UPDATE sessions SET last_used_at = ?, expires_at = ?, tokens_until = ?, generation = ?, uses = ?
		WHERE id = ? AND generation = ? AND ended_at = 0`,
		millis(n.LastUsedAt), millis(n.ExpiresAt), millis(n.TokensUntil), n.Generation, usesJSON(n.Uses), n.ID, generation)
}

func (s *sqliteRepository) TrustSession(ctx context.Context, id string, passwordVersion int64) error {
	return s.write(ctx, nil, nil, "UPDATE sessions SET password_version = max(password_version, ?) WHERE id = ? AND ended_at = 0", passwordVersion, id)
}

func (s *sqliteRepository) EndSession(ctx context.Context, userID, id string, at chat.Time) (Session, error) {
	err := s.write(ctx, ErrNoSession, nil, "UPDATE sessions SET ended_at = ? WHERE id = ? AND user_id = ? AND ended_at = 0", millis(at), id, userID)
	if err != nil {
		return Session{}, err
	}
	return s.Session(ctx, id) // nothing changes an ended session
}

func (s *sqliteRepository) EndSessions(ctx context.Context, userID string, ids []string, at chat.Time) ([]Session, error) {
	var ended []Session
	err := s.db.Write(ctx, func(tx *sqlitekit.Tx) error {
		for _, id := range ids {
			// The date of an earlier end stays, and tells that it was not this one.
			_, err := tx.Exec("UPDATE sessions SET ended_at = ? WHERE id = ? AND user_id = ? AND ended_at = 0", millis(at), id, userID)
			if err != nil {
				return err
			}
			session, err := scanSession(tx.QueryRow(sqliteSession+"WHERE id = ? AND user_id = ? AND ended_at = ?", id, userID, millis(at)).Scan)
			if err == nil {
				ended = append(ended, session)
			} else if !errors.Is(err, sqlitekit.ErrNoRows) {
				return err
			}
		}
		return nil
	})
	return ended, err
}

func (s *sqliteRepository) EndedSessions(ctx context.Context, since chat.Time, after string, now chat.Time, limit int) ([]Session, error) {
	return sqliteRows(ctx, s.db, scanSession, sqliteSession+`WHERE (ended_at, id) > (?, ?) AND tokens_until > ?
		ORDER BY ended_at, id LIMIT ?`, max(1, millis(since)), after, millis(now), limit)
}

func (s *sqliteRepository) SetReset(ctx context.Context, r Reset) error {
	return s.write(ctx, nil, nil, `INSERT INTO resets (user_id, token_hash, expires_at) VALUES (?, ?, ?)
		ON CONFLICT (user_id) DO UPDATE SET token_hash = excluded.token_hash, expires_at = excluded.expires_at`,
		r.UserID, r.TokenHash, millis(r.ExpiresAt))
}

func (s *sqliteRepository) Reset(ctx context.Context, tokenHash string) (Reset, error) {
	return sqliteRow(ctx, s.db, func(scan func(...any) error) (Reset, error) {
		r := Reset{TokenHash: tokenHash}
		var expires int64
		err := scan(&r.UserID, &expires)
		r.ExpiresAt = timeOf(expires)
		return r, err
	}, ErrNoReset, "SELECT user_id, expires_at FROM resets WHERE token_hash = ?", tokenHash)
}

func (s *sqliteRepository) TakeReset(ctx context.Context, tokenHash string) error {
	return s.write(ctx, ErrNoReset, nil, "DELETE FROM resets WHERE token_hash = ?", tokenHash)
}

func (s *sqliteRepository) DropReset(ctx context.Context, userID string) error {
	return s.write(ctx, nil, nil, "DELETE FROM resets WHERE user_id = ?", userID)
}

// purgeLen is how many rows a purge removes in one transaction: others wait for it.
const purgeLen = "500"

func (s *sqliteRepository) Purge(ctx context.Context, now chat.Time) error {
	for _, statement := range []string{
		"DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE ended_at > 0 AND tokens_until < ? LIMIT " + purgeLen + ")",
		"DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < ? LIMIT " + purgeLen + ")",
		"DELETE FROM networks WHERE key IN (SELECT key FROM networks WHERE expires_at < ? LIMIT " + purgeLen + ")",
		"DELETE FROM resets WHERE user_id IN (SELECT user_id FROM resets WHERE expires_at < ? LIMIT " + purgeLen + ")",
	} {
		var err error
		for err == nil {
			err = s.write(ctx, errDone, nil, statement, millis(now))
		}
		if !errors.Is(err, errDone) {
			return err
		}
	}
	return nil
}

var errDone = errors.New("nothing is left to remove")
