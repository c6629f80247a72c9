package message

import (
	"context"
	"errors"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/sqlitekit"
)

// Append stores all drafts in one transaction, which others may share. SQLite lets one writer in at a time, so the numbers
// read in it are the last ones.
func (s *sqliteRepository) Append(ctx context.Context, conversationID string, drafts []Draft) []Outcome {
	outcomes := make([]Outcome, len(drafts))
	err := s.db.Write(ctx, func(tx *sqlitekit.Tx) error {
		a := sqliteAppend{tx: tx, conversationID: conversationID}
		if err := a.readLast(); err != nil {
			return err
		}
		for i, d := range drafts {
			var err error
			if outcomes[i], err = a.append(d); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		for i := range outcomes {
			outcomes[i] = Outcome{Err: err}
		}
	}
	return outcomes
}

// sqliteAppend is an Append under way.
type sqliteAppend struct {
	tx             *sqlitekit.Tx
	conversationID string
	n, seq         int64 // the last ones taken
}

func (a *sqliteAppend) readLast() error {
	for query, dest := range map[string]*int64{
		sqliteLastN: &a.n,
		"SELECT seq FROM writes WHERE conversation_id = ? AND seq > 0 ORDER BY seq DESC LIMIT 1": &a.seq,
	} {
		if err := a.tx.QueryRow(query, a.conversationID).Scan(dest); err != nil && !errors.Is(err, sqlitekit.ErrNoRows) {
			return err
		}
	}
	return nil
}

func (a *sqliteAppend) append(d Draft) (Outcome, error) {
	n, seq, body := a.n+1, a.seq+1, d.Body
	if d.Op != OpCreate {
		seq, body = -n, "" // an applied change keeps no body, and this one is applied before anyone can see it
	}
	_, err := a.tx.Exec(`INSERT INTO writes (conversation_id, seq, n, rev, id, op, of, author_id, client_msg_id, body, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		a.conversationID, seq, n, n, d.ID, d.Op, d.Of, d.AuthorID, d.ClientMsgID, body, d.At.UnixMilli())
	if sqlitekit.IsDuplicate(err) {
		return a.stored(d)
	}
	if err != nil {
		return Outcome{}, err
	}
	a.n = n
	if d.Op == OpCreate {
		a.seq = seq
		return Outcome{ID: d.ID, Op: d.Op, N: n, Message: d.message(a.conversationID, n, seq)}, nil
	}
	if err := a.apply(d, n); err != nil {
		return Outcome{}, err
	}
	m, err := a.message(d.Of)
	return Outcome{ID: d.ID, Op: d.Op, N: n, Message: m}, err
}

// stored finds what was stored before with the draft's key.
func (a *sqliteAppend) stored(d Draft) (Outcome, error) {
	var o Outcome
	var seq, of int64
	err := a.tx.QueryRow(`SELECT id, op, n, seq, of FROM writes WHERE conversation_id = ? AND author_id = ? AND client_msg_id = ?`,
		a.conversationID, d.AuthorID, d.ClientMsgID).Scan(&o.ID, &o.Op, &o.N, &seq, &of)
	if err != nil {
		return o, err
	}
	if o.Op != OpCreate {
		seq = of
	}
	o.Message, err = a.message(seq)
	return o, err
}

// apply changes the message; a tombstone takes the number alone.
func (a *sqliteAppend) apply(d Draft, n int64) error {
	set, at := "body = ?, edited_at = ?", d.At.UnixMilli()
	if d.Op == OpDelete {
		set = "body = ?, deleted_at = ?"
	}
	changed, err := a.tx.Exec(`UPDATE writes SET rev = ?, `+set+` WHERE conversation_id = ? AND seq = ? AND deleted_at IS NULL`,
		n, d.Body, at, a.conversationID, d.Of)
	if err != nil {
		return err
	}
	if rows, err := changed.RowsAffected(); err != nil || rows > 0 {
		return err
	}
	_, err = a.tx.Exec(`UPDATE writes SET rev = ? WHERE conversation_id = ? AND seq = ?`, n, a.conversationID, d.Of)
	return err
}

func (a *sqliteAppend) message(seq int64) (chat.Message, error) {
	return scanMessage(a.tx.QueryRow("SELECT "+sqliteMessage+" FROM writes WHERE conversation_id = ? AND seq = ?",
		a.conversationID, seq).Scan)
}
