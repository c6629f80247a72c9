// Package sqlitetest holds SQLite repositories to their promise that no query reads a whole table.
package sqlitetest

import (
	"context"
	"strings"
	"testing"

	"github.com/confab-chat/confab/pkg/sqlitekit"
)

// RequireIndexed fails the test where the plan of any query that db has run so far scans a table or sorts its rows.
func RequireIndexed(t testing.TB, db *sqlitekit.DB) {
	t.Helper()
	queries := db.Queries()
	if len(queries) == 0 {
		t.Fatal("the database has run no query yet: run the repository's suite first")
	}
	for _, query := range queries {
		for _, step := range plan(t, db, query) {
			if strings.HasPrefix(step, "SCAN") && step != "SCAN CONSTANT ROW" || strings.Contains(step, "TEMP B-TREE") {
				t.Errorf("%s\n\tof the query %s", step, query)
			}
		}
	}
}

func plan(t testing.TB, db *sqlitekit.DB, query string) []string {
	t.Helper()
	args := make([]any, strings.Count(query, "?"))
	rows, err := db.Query(context.Background(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatalf("%v of the query %s", err, query)
	}
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}
