package conversation

import (
	"context"
	"errors"

	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/sqlitekit"
)

func (s *sqliteRepository) Get(ctx context.Context, conversationID, userID string) (Entry, error) {
	var row entryRow
	err := s.db.Get(ctx, row.columns(), sqliteEntry+`WHERE m.conversation_id = ? AND m.user_id = ?`, conversationID, userID)
	return row.entry(), orNotFound(err)
}

func (s *sqliteRepository) Page(ctx context.Context, userID string, behind Position, limit int) ([]Entry, error) {
	var page []Entry
	err := s.each(ctx, func(rows *sqlitekit.Rows) error {
		var row entryRow
		err := rows.Scan(row.columns()...)
		page = append(page, row.entry())
		return err
	}, sqliteEntry+`WHERE m.user_id = ? AND (m.last_activity, m.conversation_id) < (?, ?)
		ORDER BY m.last_activity DESC, m.conversation_id DESC LIMIT ?`, userID, behind.At.UnixMilli(), behind.ID, limit)
	return page, err
}

func (s *sqliteRepository) Members(ctx context.Context, conversationID string) ([]Member, error) {
	var members []Member
	err := s.each(ctx, func(rows *sqlitekit.Rows) error {
		var m Member
		err := rows.Scan(&m.UserID, &m.FromSeq, &m.ReadSeq, &m.ClearedSeq)
		members = append(members, m)
		return err
	}, `SELECT user_id, from_seq, read_seq, cleared_seq FROM members WHERE conversation_id = ? ORDER BY place`, conversationID)
	return members, err
}

func (s *sqliteRepository) Memberships(ctx context.Context, pairs []peer.MemberPair) ([]peer.Membership, error) {
	items := make([]peer.Membership, len(pairs))
	for i, pair := range pairs {
		entry, err := s.Get(ctx, pair.ConversationID, pair.UserID)
		if errors.Is(err, errNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		items[i] = peer.Membership{Member: true, Role: entry.roleOf(pair.UserID), FromSeq: entry.FromSeq}
	}
	return items, nil
}

// MemberSets reads a set and its version by one statement, so that they belong together.
func (s *sqliteRepository) MemberSets(ctx context.Context, conversationIDs []string) ([]peer.MemberSet, error) {
	var sets []peer.MemberSet
	for _, conversationID := range conversationIDs {
		set := peer.MemberSet{ConversationID: conversationID, FromSeqs: map[string]int64{}}
		err := s.each(ctx, func(rows *sqlitekit.Rows) error {
			var userID string
			var fromSeq int64
			err := rows.Scan(&set.Version, &userID, &fromSeq)
			set.FromSeqs[userID] = fromSeq
			return err
		}, `SELECT c.members_version, m.user_id, m.from_seq FROM conversations c CROSS JOIN members m ON m.conversation_id = c.id
			WHERE c.id = ?`, conversationID)
		if err != nil {
			return nil, err
		}
		if set.Version > 0 {
			sets = append(sets, set)
		}
	}
	return sets, nil
}

func (s *sqliteRepository) MemberVersions(ctx context.Context, conversationIDs []string) (map[string]int64, error) {
	versions := make(map[string]int64, len(conversationIDs))
	for _, conversationID := range conversationIDs {
		var version int64
		err := s.db.Get(ctx, []any{&version}, `SELECT members_version FROM conversations WHERE id = ?`, conversationID)
		if errors.Is(err, sqlitekit.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, err
		}
		versions[conversationID] = version
	}
	return versions, nil
}

func (s *sqliteRepository) MemberIDs(ctx context.Context, conversationIDs []string) (map[string][]string, error) {
	members := make(map[string][]string, len(conversationIDs))
	for _, conversationID := range conversationIDs {
		err := s.each(ctx, func(rows *sqlitekit.Rows) error {
			var userID string
			err := rows.Scan(&userID)
			members[conversationID] = append(members[conversationID], userID)
			return err
		}, `SELECT user_id FROM members WHERE conversation_id = ?`, conversationID)
		if err != nil {
			return nil, err
		}
	}
	return members, nil
}

func (s *sqliteRepository) Heads(ctx context.Context, after string, limit int) ([]HeadMark, error) {
	var marks []HeadMark
	err := s.each(ctx, func(rows *sqlitekit.Rows) error {
		var m HeadMark
		err := rows.Scan(&m.ConversationID, &m.Seq, &m.Rev)
		marks = append(marks, m)
		return err
	}, `SELECT id, head_seq, head_rev FROM conversations WHERE id > ? ORDER BY id LIMIT ?`, after, limit)
	return marks, err
}

// each hands every row of the query to scan.
func (s *sqliteRepository) each(ctx context.Context, scan func(*sqlitekit.Rows) error, query string, args ...any) error {
	rows, err := s.db.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
