package mongotest

import (
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/confab-chat/confab/pkg/mongokit"
)

// faults returns what is wrong with a command to a collection that has these indexes and that of _id.
func faults(name string, command bson.Raw, indexes []index) []string {
	switch name {
	case "insert":
		var found []string
		for _, doc := range documents(command.Lookup("documents")) {
			found = append(found, missing(indexes, func(path string) bool { return has(doc, path) })...)
		}
		return found
	case "update":
		var found []string
		for _, u := range documents(command.Lookup("updates")) {
			found = append(found, unserved(command, newQuery(u, "q"), indexes)...)
			found = append(found, upserted(u, "q", "u", indexes)...)
		}
		return found
	case "delete":
		var found []string
		for _, d := range documents(command.Lookup("deletes")) {
			found = append(found, unserved(command, newQuery(d, "q"), indexes)...)
		}
		return found
	case "findAndModify":
		found := unserved(command, newQuery(command, "query"), indexes)
		return append(found, upserted(command, "query", "update", indexes)...)
	case "find":
		return unserved(command, newQuery(command, "filter"), indexes)
	case "distinct":
		return unserved(command, newQuery(command, "query"), indexes)
	case "count":
		if q := newQuery(command, "query"); !q.filter.empty() { // else the server knows the number
			return unserved(command, q, indexes)
		}
	case "aggregate":
		return unserved(command, newPipeline(command), indexes)
	}
	return nil
}

// unserved returns a fault where no index serves q and the command does not say that it is a walk.
func unserved(command bson.Raw, q query, indexes []index) []string {
	all := append([]index{idIndex}, indexes...)
	if comment, _ := command.Lookup("comment").StringValueOK(); strings.HasPrefix(comment, mongokit.WalkPrefix) || served(q, all) {
		return nil
	}
	return []string{fmt.Sprintf("no index serves %v, there are %v", q, all)}
}

// upserted returns the faults of the document that an upsert would insert: it has the fields that the filter binds to a
// value and those that the update sets, or the replacement's.
func upserted(command bson.Raw, filterKey, updateKey string, indexes []index) []string {
	update, isDocument := command.Lookup(updateKey).DocumentOK()
	if upsert, _ := command.Lookup("upsert").BooleanOK(); !upsert || !isDocument {
		return nil
	}
	elements, err := update.Elements()
	if err != nil {
		return nil
	}
	if len(elements) == 0 || !strings.HasPrefix(elements[0].Key(), "$") {
		return missing(indexes, func(path string) bool { return has(update, path) })
	}
	bound := newQuery(command, filterKey).filter.fields
	return missing(indexes, func(path string) bool { return bound[path] == equal || sets(elements, path) })
}

// sets reports whether an update's operators give a new document a field at path.
func sets(operators []bson.RawElement, path string) bool {
	for _, operator := range operators {
		switch operator.Key() {
		case "$unset", "$rename", "$pull", "$pullAll", "$pop":
			continue
		}
		fields, _ := operator.Value().DocumentOK()
		elements, _ := fields.Elements()
		for _, field := range elements {
			if field.Key() == path || strings.HasPrefix(field.Key(), path+".") {
				return true
			}
			sub, isDocument := field.Value().DocumentOK()
			if rest, within := strings.CutPrefix(path, field.Key()+"."); within && isDocument && has(sub, rest) {
				return true
			}
		}
	}
	return false
}

// missing returns a fault for each unique index with a field that the new document lacks.
func missing(indexes []index, has func(path string) bool) []string {
	var found []string
	for _, ix := range indexes {
		for _, k := range ix.keys {
			if ix.unique && !has(k.path) {
				found = append(found, fmt.Sprintf(
					"a document without %s, a field of the unique index %v: MongoDB takes it for null, and nulls collide", k.path, ix))
			}
		}
	}
	return found
}

// has reports whether a document has a field at a dotted path. An array on the way has every field.
func has(doc bson.Raw, path string) bool {
	head, rest, more := strings.Cut(path, ".")
	value, err := doc.LookupErr(head)
	if err != nil || !more {
		return err == nil
	}
	if sub, ok := value.DocumentOK(); ok {
		return has(sub, rest)
	}
	return value.Type == bson.TypeArray
}
