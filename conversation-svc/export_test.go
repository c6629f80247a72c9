package conversation

import "github.com/confab-chat/confab/pkg/sqlitekit"

// NewMongo opens the repository in a test's own database.
var NewMongo = newMongo

// SQLiteDB returns the file behind a repository of OpenSQLite.
func SQLiteDB(r Repository) *sqlitekit.DB { return r.(*sqliteRepository).db }
