package mongokit

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// A Batch says how far an ordered insert of several documents got. Those before index Stored are stored durably; Verdict
// says what became of the one at Stored and those behind it.
type Batch struct {
	Stored  int
	Verdict Verdict
}

// A Verdict is why an ordered insert ended.
type Verdict int

const (
	// AllStored: there are no documents left.
	AllStored Verdict = iota
	// Duplicate: a unique key of the document at Stored is taken. Those behind it are not stored.
	Duplicate
	// Refused: the server does not take the document at Stored. Those behind it are not stored.
	Refused
	// Unconfirmed: each document from Stored on may be stored or not, and one that is may be rolled back. Each has to be
	// looked up before it is inserted again.
	Unconfirmed
)

// maxOrdered is how many documents go into one command. FerretDB goes on behind a failed document where there are more.
const maxOrdered = 100

// InsertOrdered inserts docs in order until one fails. The error is nil exactly where all are stored.
func InsertOrdered(ctx context.Context, coll *mongo.Collection, docs []any) (Batch, error) {
	stored := 0
	for stored < len(docs) {
		part := docs[stored:min(stored+maxOrdered, len(docs))]
		_, err := coll.InsertMany(ctx, part, options.InsertMany().SetOrdered(true))
		b := ReadBatch(len(part), err)
		stored += b.Stored
		if b.Verdict != AllStored {
			return Batch{Stored: stored, Verdict: b.Verdict}, err
		}
	}
	return Batch{Stored: stored}, nil
}

// ReadBatch reads the error of an ordered insertMany of n documents. Only an answer that names the failed document, and
// that a majority stands behind, confirms those before it: after a network error, a deadline, a failed command or a
// write concern error the verdict is Unconfirmed and Stored 0.
func ReadBatch(n int, err error) Batch {
	if err == nil {
		return Batch{Stored: n}
	}
	var bulk mongo.BulkWriteException
	if !errors.As(err, &bulk) || bulk.WriteConcernError != nil || len(bulk.WriteErrors) == 0 || wouldRetry(bulk) {
		return Batch{Verdict: Unconfirmed}
	}
	first := bulk.WriteErrors[0].WriteError
	for _, e := range bulk.WriteErrors[1:] {
		if e.Index < first.Index {
			first = e.WriteError
		}
	}
	switch {
	case first.Index < 0 || first.Index >= n:
		return Batch{Verdict: Unconfirmed}
	case IsDuplicate(first):
		return Batch{Stored: first.Index, Verdict: Duplicate}
	}
	return Batch{Stored: first.Index, Verdict: Refused}
}

// wouldRetry reports whether the server or the driver says that the write may have happened all the same.
func wouldRetry(err mongo.LabeledError) bool {
	return err.HasErrorLabel("RetryableWriteError") || err.HasErrorLabel("NetworkError")
}
