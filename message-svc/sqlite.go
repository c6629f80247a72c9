package message

import (
	"context"
	"errors"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/sqlitekit"
)

// A row is a message, or a change of one with seq = -n. The table is kept in the order of seq, so that a page of history is
// one run of rows. Times are milliseconds since the Unix epoch.
var sqliteMigrations = []string{`
CREATE TABLE writes (
	conversation_id TEXT NOT NULL,
	seq             INTEGER NOT NULL,
	n               INTEGER NOT NULL,
	rev             INTEGER NOT NULL,
	id              TEXT NOT NULL,
	op              TEXT NOT NULL,
	of              INTEGER NOT NULL,
	author_id       TEXT NOT NULL,
	client_msg_id   TEXT NOT NULL,
	body            TEXT NOT NULL,
	created_at      INTEGER NOT NULL,
	edited_at       INTEGER,
	deleted_at      INTEGER,
	PRIMARY KEY (conversation_id, seq)
) WITHOUT ROWID;
CREATE UNIQUE INDEX writes_n ON writes (conversation_id, n);
CREATE UNIQUE INDEX writes_key ON writes (conversation_id, author_id, client_msg_id);
CREATE UNIQUE INDEX writes_id ON writes (id);
`}

const sqliteMessage = "id, conversation_id, seq, rev, author_id, body, client_msg_id, created_at, edited_at, deleted_at"

type sqliteRepository struct {
	db *sqlitekit.DB
}

// OpenSQLite opens or creates the file at path.
func OpenSQLite(ctx context.Context, path string) (Repository, error) {
	db, err := sqlitekit.Open(ctx, path, sqliteMigrations)
	if err != nil {
		return nil, err
	}
	return &sqliteRepository{db: db}, nil
}

func (s *sqliteRepository) Get(ctx context.Context, messageID string) (chat.Message, error) {
	m, err := scanMessage(func(dest ...any) error {
		return s.db.Get(ctx, dest, "SELECT "+sqliteMessage+" FROM writes WHERE id = ? AND seq > 0", messageID)
	})
	if errors.Is(err, sqlitekit.ErrNoRows) {
		return m, errNoMessage
	}
	return m, err
}

func (s *sqliteRepository) Before(ctx context.Context, conversationID string, beforeSeq, afterSeq int64, limit int) ([]chat.Message, error) {
	if beforeSeq == 0 {
		beforeSeq = maxSeq
	}
	return s.messages(ctx, `SELECT `+sqliteMessage+` FROM writes
		WHERE conversation_id = ? AND seq > ? AND seq < ? ORDER BY seq DESC LIMIT ?`, conversationID, afterSeq, beforeSeq, limit)
}

func (s *sqliteRepository) After(ctx context.Context, conversationID string, afterSeq int64, limit int) ([]chat.Message, error) {
	return s.messages(ctx, `SELECT `+sqliteMessage+` FROM writes
		WHERE conversation_id = ? AND seq > ? ORDER BY seq LIMIT ?`, conversationID, afterSeq, limit)
}

func (s *sqliteRepository) messages(ctx context.Context, query string, args ...any) ([]chat.Message, error) {
	rows, err := s.db.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	messages := []chat.Message{}
	for rows.Next() {
		m, err := scanMessage(rows.Scan)
		if err != nil {
			return nil, err
		}
		messages = append(messages, m)
	}
	return messages, rows.Err()
}

func (s *sqliteRepository) Feed(ctx context.Context, conversationID string, afterRev int64, limit int) ([]chat.Event, error) {
	// The join's left side says which events there are, its right side is the message that each is about.
	rows, err := s.db.Query(ctx, `SELECT e.n, e.op, m.id, m.conversation_id, m.seq, m.rev, m.author_id, m.body, m.client_msg_id,
			m.created_at, m.edited_at, m.deleted_at
		FROM writes e CROSS JOIN writes m ON m.conversation_id = e.conversation_id AND m.seq = iif(e.seq > 0, e.seq, e.of)
		WHERE e.conversation_id = ? AND e.n > ? ORDER BY e.n LIMIT ?`, conversationID, afterRev, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	events := []chat.Event{}
	for rows.Next() {
		var n int64
		var op Op
		m, err := scanMessage(func(dest ...any) error { return rows.Scan(append([]any{&n, &op}, dest...)...) })
		if err != nil {
			return nil, err
		}
		events = append(events, Outcome{Op: op, N: n, Message: m}.Event())
	}
	return events, rows.Err()
}

const (
	sqliteLastN       = "SELECT n FROM writes WHERE conversation_id = ? ORDER BY n DESC LIMIT 1"
	sqliteLastMessage = "SELECT " + sqliteMessage + " FROM writes WHERE conversation_id = ? AND seq > 0 ORDER BY seq DESC LIMIT 1"
)

func (s *sqliteRepository) Last(ctx context.Context, conversationID string) (peer.Last, error) {
	var last peer.Last
	newest, err := scanMessage(func(dest ...any) error { return s.db.Get(ctx, dest, sqliteLastMessage, conversationID) })
	if err == nil {
		err = s.db.Get(ctx, []any{&last.Rev}, sqliteLastN, conversationID)
	}
	if errors.Is(err, sqlitekit.ErrNoRows) {
		return peer.Last{}, nil
	}
	last.Seq, last.Newest = newest.Seq, &newest
	return last, err
}

func (s *sqliteRepository) Ping(ctx context.Context) error { return s.db.Ping(ctx) }

func (s *sqliteRepository) Close() error { return s.db.Close() }

// scanMessage reads the columns of sqliteMessage.
func scanMessage(scan func(dest ...any) error) (chat.Message, error) {
	var m chat.Message
	var created int64
	var edited, deleted *int64
	err := scan(&m.ID, &m.ConversationID, &m.Seq, &m.Rev, &m.AuthorID, &m.Body, &m.ClientMsgID, &created, &edited, &deleted)
	m.CreatedAt, m.EditedAt, m.DeletedAt = chat.FromMillis(created), timeOf(edited), timeOf(deleted)
	return m, err
}

func timeOf(ms *int64) *chat.Time {
	if ms == nil {
		return nil
	}
	t := chat.FromMillis(*ms)
	return &t
}
