package sqlitekit

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"

	"github.com/confab-chat/confab/pkg/batch"
	"github.com/confab-chat/confab/pkg/fault"
)

const (
	batchLen = 256    // writes of one transaction, so that the first of them does not wait for long
	queueLen = 16_384 // writes that wait
)

var (
	// ErrClosed is returned for writes to a closed DB.
	ErrClosed = fault.New(fault.Unavailable, "stopping", "The server stops. Try again.").After(time.Second)
	// ErrBusy is returned where too many writes wait.
	ErrBusy = fault.New(fault.Unavailable, "busy", "The server has too much to write. Try again.").After(time.Second)

	errAborted = errors.New("the transaction was aborted")
)

// Tx is the transaction that a write runs in.
type Tx struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt
}

// Exec runs a statement.
func (t *Tx) Exec(query string, args ...any) (sql.Result, error) {
	s, err := t.prepare(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(context.Background(), args...)
}

// Query reads rows as the transaction sees them. The caller closes them.
func (t *Tx) Query(query string, args ...any) (*Rows, error) {
	s, err := t.prepare(query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.Background(), args...)
}

// Row is the one row of a query, or the error that kept it away.
type Row struct {
	row *sql.Row
	err error
}

// Scan reads the row into dest. It returns ErrNoRows where there is none.
func (r Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	return r.row.Scan(dest...)
}

// QueryRow reads one row as the transaction sees it.
func (t *Tx) QueryRow(query string, args ...any) Row {
	s, err := t.prepare(query)
	if err != nil {
		return Row{err: err}
	}
	return Row{row: s.QueryRowContext(context.Background(), args...)}
}

// A cancelled context would make the driver watch each statement with a goroutine and could end a transaction that others share:
// statements run without one.
func (t *Tx) prepare(query string) (*sql.Stmt, error) {
	if s := t.statements[query]; s != nil {
		return s, nil
	}
	s, err := t.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	t.statements[query] = s
	return s, nil
}

// writer commits the writes of many callers together: one fsync for all that came during the fsync before.
type writer struct {
	tx     *Tx
	closed atomic.Bool
	queue  batch.Queue[*pending]
}

type pending struct {
	ctx context.Context
	fn  func(*Tx) error
	err error
}

// Write runs fn in a transaction and returns once that is on disk. Writes of others may share the transaction, but an error of
// fn undoes what fn did and nothing else, and is returned. fn must not wait for anything: others wait with it. Where the context
// ends before fn has begun, its error is returned and nothing was done; later it is not looked at.
func (d *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	if d.writer.closed.Load() {
		return ErrClosed
	}
	return d.writer.do(&pending{ctx: ctx, fn: fn})
}

func (w *writer) do(p *pending) error {
	if w.queue.Do(context.WithoutCancel(p.ctx), p, batchLen, queueLen, w.commit) != nil {
		return ErrBusy
	}
	return p.err
}

// commit leaves each write's outcome in its err.
func (w *writer) commit(writes []*pending) {
	err := errAborted // stays where a write panics
	defer func() {
		if err == nil {
			return
		}
		_, _ = w.tx.Exec("ROLLBACK") // SQLite may have rolled back by itself
		for _, p := range writes {
			p.err = err
		}
	}()
	err = w.run(writes)
}

func (w *writer) run(writes []*pending) error {
	if _, err := w.tx.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, p := range writes {
		if p.err = p.ctx.Err(); p.err != nil {
			continue
		}
		if err := w.runOne(p); err != nil {
			return err
		}
	}
	_, err := w.tx.Exec("COMMIT")
	return err
}

func (w *writer) runOne(p *pending) error {
	if _, err := w.tx.Exec("SAVEPOINT one"); err != nil {
		return err
	}
	if p.err = p.fn(w.tx); p.err != nil {
		if _, err := w.tx.Exec("ROLLBACK TO one"); err != nil {
			return err
		}
	}
	_, err := w.tx.Exec("RELEASE one")
	return err
}

// close refuses further writes, waits for those that were let in, and gives the connection back.
func (w *writer) close() error {
	if w.closed.Swap(true) {
		return nil
	}
	_ = w.do(&pending{ctx: context.Background(), fn: func(*Tx) error { return nil }}) // the last in the queue
	var errs []error
	for _, s := range w.tx.statements {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, w.tx.conn.Close())...)
}
