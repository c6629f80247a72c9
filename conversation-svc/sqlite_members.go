package conversation

import (
	"context"
	"errors"

	"github.com/confab-chat/confab/pkg/sqlitekit"
)

func (s *sqliteRepository) Rename(ctx context.Context, conversationID, ownerID, title string) error {
	return s.db.Write(ctx, func(tx *sqlitekit.Tx) error {
		if _, err := managed(tx, conversationID, ownerID); err != nil {
			return err
		}
		_, err := tx.Exec(`UPDATE conversations SET title = ? WHERE id = ?`, title, conversationID)
		return err
	})
}

func (s *sqliteRepository) AddMember(ctx context.Context, a Addition) (Change, error) {
	var change Change
	err := s.db.Write(ctx, func(tx *sqlitekit.Tx) error {
		c, err := managed(tx, a.ConversationID, a.OwnerID)
		if err != nil {
			return err
		}
		change = Change{Version: c.Version}
		if is, err := isMember(tx, c.ID, a.UserID); err != nil || is {
			return err
		}
		if c.Members >= a.Cap {
			return errFull
		}
		var place int
		if err := tx.QueryRow(`SELECT MAX(place) + 1 FROM members WHERE conversation_id = ?`, c.ID).Scan(&place); err != nil {
			return err
		}
		_, err = tx.Exec(sqliteAddMember, c.ID, a.UserID, place, a.FromSeq, a.FromSeq, NotCleared, c.LastActivity.UnixMilli())
		if err != nil {
			return err
		}
		change = Change{Changed: true, Version: c.Version + 1}
		return setMembers(tx, c.ID, c.Members+1, c.OwnerID)
	})
	return change, err
}

func (s *sqliteRepository) RemoveMember(ctx context.Context, conversationID, actorID, userID string) (Change, error) {
	var change Change
	err := s.db.Write(ctx, func(tx *sqlitekit.Tx) error {
		c, err := removable(tx, conversationID, actorID, userID)
		if err != nil {
			return err
		}
		change = Change{Changed: true, Version: c.Version + 1}
		if _, err := tx.Exec(`DELETE FROM members WHERE conversation_id = ? AND user_id = ?`, c.ID, userID); err != nil {
			return err
		}
		if c.OwnerID == userID {
			err := tx.QueryRow(`SELECT user_id FROM members WHERE conversation_id = ? ORDER BY place LIMIT 1`, c.ID).Scan(&c.OwnerID)
			if errors.Is(err, sqlitekit.ErrNoRows) {
				return erase(tx, c.ID)
			}
			if err != nil {
				return err
			}
		}
		return setMembers(tx, c.ID, c.Members-1, c.OwnerID)
	})
	return change, err
}

func removable(tx *sqlitekit.Tx, conversationID, actorID, userID string) (Conversation, error) {
	c, err := asMember(tx, conversationID, actorID)
	if err != nil {
		return c, err
	}
	if err := c.removable(actorID, userID); err != nil {
		return c, err
	}
	is, err := isMember(tx, conversationID, userID)
	if err == nil && !is {
		return c, errNoSuchMember
	}
	return c, err
}

func setMembers(tx *sqlitekit.Tx, conversationID string, members int, ownerID string) error {
	_, err := tx.Exec(`UPDATE conversations SET members = ?, owner_id = ?, members_version = members_version + 1 WHERE id = ?`,
		members, ownerID, conversationID)
	return err
}

func (s *sqliteRepository) Delete(ctx context.Context, conversationID, ownerID string) (Gone, error) {
	var gone Gone
	err := s.db.Write(ctx, func(tx *sqlitekit.Tx) error {
		c, err := managed(tx, conversationID, ownerID)
		if err != nil {
			return err
		}
		gone.Version = c.Version
		if gone.MemberIDs, err = eraseMembers(tx, c.ID); err != nil {
			return err
		}
		return erase(tx, c.ID)
	})
	return gone, err
}

// eraseMembers returns who was in.
func eraseMembers(tx *sqlitekit.Tx, conversationID string) ([]string, error) {
	rows, err := tx.Query(`DELETE FROM members WHERE conversation_id = ? RETURNING user_id`, conversationID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var userID string
		if err := rows.Scan(&userID); err != nil {
			return nil, err
		}
		ids = append(ids, userID)
	}
	return ids, rows.Err()
}

func erase(tx *sqlitekit.Tx, conversationID string) error {
	_, err := tx.Exec(`DELETE FROM conversations WHERE id = ?`, conversationID)
	return err
}

// asMember returns a conversation of the user's.
func asMember(tx *sqlitekit.Tx, conversationID, userID string) (Conversation, error) {
	var row entryRow
	err := tx.QueryRow(sqliteEntry+`WHERE m.conversation_id = ? AND m.user_id = ?`, conversationID, userID).Scan(row.columns()...)
	return row.entry().Conversation, orNotFound(err)
}

// managed returns a conversation that the user may manage.
func managed(tx *sqlitekit.Tx, conversationID, userID string) (Conversation, error) {
	c, err := asMember(tx, conversationID, userID)
	if err == nil {
		err = c.managedBy(userID)
	}
	return c, err
}

func isMember(tx *sqlitekit.Tx, conversationID, userID string) (bool, error) {
	var is bool
	err := tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM members WHERE conversation_id = ? AND user_id = ?)`, conversationID, userID).Scan(&is)
	return is, err
}
