package message

import "github.com/confab-chat/confab/pkg/sqlitekit"

// NewMongoRepository opens the repository in a test's own database.
var NewMongoRepository = newMongoRepository

// DB returns what a SQLite repository is open on.
func DB(r Repository) *sqlitekit.DB { return r.(*sqliteRepository).db }
