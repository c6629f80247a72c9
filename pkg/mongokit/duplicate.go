package mongokit

import (
	"errors"

	"go.mongodb.org/mongo-driver/v2/mongo"
)

// IsDuplicate reports whether err, or one of the errors of a bulk write, says that a unique key is taken. It knows
// MongoDB's codes, and FerretDB's answer to an update into a taken key.
func IsDuplicate(err error) bool {
	if mongo.IsDuplicateKeyError(err) {
		return true
	}
	var server mongo.ServerError
	return errors.As(err, &server) && server.HasErrorCodeWithMessage(ferretInternal, ferretUnique)
}

// FerretDB passes SQLite's error on as an internal one.
const (
	ferretInternal = 1
	ferretUnique   = "UNIQUE constraint failed"
)
