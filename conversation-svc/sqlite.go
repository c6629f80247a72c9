package conversation

import (
	"context"
	"errors"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/sqlitekit"
)

// Times are milliseconds of the Unix epoch.
//
// A member's row repeats the conversation's last activity, so that a page of an inbox is one range of members_inbox however many
// conversations there are. A raise of the head so writes a row for each member, as it writes a key for each in MongoDB's index over
// participants. Above 50 members message-svc raises a head once a second at most, which bounds both: 1,000 rows a second for the largest group.
var sqliteMigrations = []string{`
CREATE TABLE conversations (
	id              TEXT PRIMARY KEY,
	type            TEXT NOT NULL,
	title           TEXT NOT NULL,
	owner_id        TEXT NOT NULL,
	creator_id      TEXT NOT NULL,
	client_id       TEXT NOT NULL,
	direct_key      TEXT NOT NULL UNIQUE,
	members         INTEGER NOT NULL,
	members_version INTEGER NOT NULL,
	head_seq        INTEGER NOT NULL,
	head_rev        INTEGER NOT NULL,
	head_excerpt    TEXT NOT NULL,
	head_author_id  TEXT NOT NULL,
	head_at         INTEGER NOT NULL,
	last_activity   INTEGER NOT NULL,
	created_at      INTEGER NOT NULL,
	UNIQUE (creator_id, client_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE members (
	conversation_id TEXT NOT NULL,
	user_id         TEXT NOT NULL,
	place           INTEGER NOT NULL, -- in the order of joining
	from_seq        INTEGER NOT NULL,
	read_seq        INTEGER NOT NULL,
	cleared_seq     INTEGER NOT NULL,
	last_activity   INTEGER NOT NULL,
	PRIMARY KEY (conversation_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX members_place ON members (conversation_id, place);
CREATE INDEX members_inbox ON members (user_id, last_activity DESC, conversation_id DESC);
`}

// sqliteRepository keeps conversations in one SQLite file.
type sqliteRepository struct {
	db *sqlitekit.DB
}

// OpenSQLite opens or creates the file. It returns an error where the file is of a newer release.
func OpenSQLite(ctx context.Context, path string) (Repository, error) {
	db, err := sqlitekit.Open(ctx, path, sqliteMigrations)
	if err != nil {
		return nil, err
	}
	return &sqliteRepository{db}, nil
}

func (s *sqliteRepository) Ping(ctx context.Context) error { return s.db.Ping(ctx) }

func (s *sqliteRepository) Close() error { return s.db.Close() }

func (s *sqliteRepository) Insert(ctx context.Context, c Conversation, memberIDs []string) error {
	err := s.db.Write(ctx, func(tx *sqlitekit.Tx) error {
		_, err := tx.Exec(`INSERT INTO conversations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			c.ID, c.Type, c.Title, c.OwnerID, c.CreatorID, c.ClientID, c.DirectKey, len(memberIDs), c.Version,
			c.Head.Seq, c.Head.Rev, c.Head.Excerpt, c.Head.AuthorID, c.Head.At.UnixMilli(), c.LastActivity.UnixMilli(), c.CreatedAt.UnixMilli())
		if err != nil {
			return err
		}
		for place, userID := range memberIDs {
			var read int64
			if userID == c.CreatorID {
				read = c.Head.Seq
			}
			if _, err := tx.Exec(sqliteAddMember, c.ID, userID, place, 0, read, NotCleared, c.LastActivity.UnixMilli()); err != nil {
				return err
			}
		}
		return nil
	})
	if sqlitekit.IsDuplicate(err) {
		return ErrTaken
	}
	return err
}

const sqliteAddMember = `INSERT INTO members VALUES (?, ?, ?, ?, ?, ?, ?)`

func (s *sqliteRepository) IDByDirectKey(ctx context.Context, key string) (string, error) {
	return s.id(ctx, `SELECT id FROM conversations WHERE direct_key = ?`, key)
}

func (s *sqliteRepository) IDByClientID(ctx context.Context, creatorID, clientID string) (string, error) {
	return s.id(ctx, `SELECT id FROM conversations WHERE creator_id = ? AND client_id = ?`, creatorID, clientID)
}

func (s *sqliteRepository) id(ctx context.Context, query string, args ...any) (string, error) {
	var conversationID string
	err := s.db.Get(ctx, []any{&conversationID}, query, args...)
	return conversationID, orNotFound(err)
}

func orNotFound(err error) error {
	if errors.Is(err, sqlitekit.ErrNoRows) {
		return errNotFound
	}
	return err
}

const sqliteConversation = `c.id, c.type, c.title, c.owner_id, c.creator_id, c.client_id, c.direct_key, c.members, c.members_version,
	c.head_seq, c.head_rev, c.head_excerpt, c.head_author_id, c.head_at, c.last_activity, c.created_at`

const sqliteEntry = `SELECT ` + sqliteConversation + `, m.from_seq, m.read_seq, m.cleared_seq
	FROM members m CROSS JOIN conversations c ON c.id = m.conversation_id `

// entryRow receives the columns of sqliteEntry; without the last three, those of sqliteConversation.
type entryRow struct {
	Entry
	headAt, lastActivity, createdAt int64
}

func (r *entryRow) columns() []any {
	return append(r.conversationColumns(), &r.FromSeq, &r.ReadSeq, &r.ClearedSeq)
}

func (r *entryRow) conversationColumns() []any {
	return []any{
		&r.ID, &r.Type, &r.Title, &r.OwnerID, &r.CreatorID, &r.ClientID, &r.DirectKey, &r.Members, &r.Version,
		&r.Head.Seq, &r.Head.Rev, &r.Head.Excerpt, &r.Head.AuthorID, &r.headAt, &r.lastActivity, &r.createdAt,
	}
}

func (r *entryRow) entry() Entry {
	r.Head.At, r.LastActivity, r.CreatedAt = chat.FromMillis(r.headAt), chat.FromMillis(r.lastActivity), chat.FromMillis(r.createdAt)
	return r.Entry
}
