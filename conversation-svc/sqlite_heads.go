package conversation

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/sqlitekit"
)

const (
	sqliteMarkRead = `UPDATE members SET read_seq = MAX(read_seq, ?) WHERE conversation_id = ? AND user_id = ?`
	sqliteClear    = `UPDATE members SET from_seq = MAX(from_seq, ?), read_seq = MAX(read_seq, ?), cleared_seq = MAX(cleared_seq, ?)
		WHERE conversation_id = ? AND user_id = ?`
)

func (s *sqliteRepository) MarkRead(ctx context.Context, conversationID, userID string, seq int64) error {
	return s.db.Write(ctx, func(tx *sqlitekit.Tx) error {
		_, err := tx.Exec(sqliteMarkRead, seq, conversationID, userID)
		return err
	})
}

func (s *sqliteRepository) Clear(ctx context.Context, conversationID, userID string, seq int64) (int64, error) {
	var version int64
	err := s.db.Write(ctx, func(tx *sqlitekit.Tx) error {
		c, err := asMember(tx, conversationID, userID)
		if err != nil {
			return err
		}
		version = c.Version + 1
		if _, err := tx.Exec(sqliteClear, seq, seq, seq, conversationID, userID); err != nil {
			return err
		}
		return setMembers(tx, c.ID, c.Members, c.OwnerID)
	})
	return version, err
}

// RaiseHeads is one transaction, with two statements for a raise that applies.
func (s *sqliteRepository) RaiseHeads(ctx context.Context, raises []peer.Raise) ([]Raised, error) {
	raised := make([]Raised, len(raises))
	err := s.db.Write(ctx, func(tx *sqlitekit.Tx) error {
		for i := range raises {
			var err error
			if raised[i], err = raiseHead(tx, &raises[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return raised, err
}

func raiseHead(tx *sqlitekit.Tx, r *peer.Raise) (Raised, error) {
	answer := Raised{Moved: true, RaisedHead: peer.RaisedHead{HeadSeq: r.Newest.Seq}}
	var lastActivity int64
	err := tx.QueryRow(`UPDATE conversations SET head_seq = ?, head_rev = ?, head_excerpt = ?, head_author_id = ?, head_at = ?,
		last_activity = CASE WHEN head_seq < ? THEN MAX(last_activity, ?) ELSE last_activity END
		WHERE id = ? AND head_seq >= ? AND (head_seq < ? OR head_seq = ? AND head_rev < ?) RETURNING members, last_activity`,
		r.Newest.Seq, r.Newest.Rev, r.Newest.Excerpt, r.Newest.AuthorID, r.Newest.At.UnixMilli(), r.Newest.Seq, r.Newest.At.UnixMilli(),
		r.ConversationID, r.FromSeq-1, r.Newest.Seq, r.Newest.Seq, r.Newest.Rev).Scan(&answer.Members, &lastActivity)
	if errors.Is(err, sqlitekit.ErrNoRows) {
		return headAsItIs(tx, r)
	}
	if err != nil || r.Newest.Seq < r.FromSeq { // only the newest message changed: nothing moves in the inboxes
		return answer, err
	}
	authors, err := json.Marshal(authorsOf(r))
	if err != nil {
		return answer, err
	}
	_, err = tx.Exec(`UPDATE members SET last_activity = ?, read_seq = MAX(read_seq, COALESCE(CAST(? ->> user_id AS INTEGER), 0))
		WHERE conversation_id = ?`, lastActivity, string(authors), r.ConversationID)
	return answer, err
}

// headAsItIs answers a raise that does not apply. Its authors have read so far all the same, unless it leaves a message out.
func headAsItIs(tx *sqlitekit.Tx, r *peer.Raise) (Raised, error) {
	var answer Raised
	err := tx.QueryRow(`SELECT head_seq, members FROM conversations WHERE id = ?`, r.ConversationID).Scan(&answer.HeadSeq, &answer.Members)
	if errors.Is(err, sqlitekit.ErrNoRows) {
		return Raised{}, nil
	}
	if err != nil || answer.HeadSeq < r.FromSeq-1 {
		return answer, err
	}
	for userID, seq := range authorsOf(r) {
		if _, err := tx.Exec(sqliteMarkRead, seq, r.ConversationID, userID); err != nil {
			return answer, err
		}
	}
	return answer, nil
}
