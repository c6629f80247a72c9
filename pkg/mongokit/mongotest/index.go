package mongotest

import (
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// A key is a field of an index or of a sort.
type key struct {
	path string
	desc bool
}

func (k key) String() string {
	if k.desc {
		return "-" + k.path
	}
	return k.path
}

// readKeys reads a document of field names with 1 or -1.
func readKeys(v bson.RawValue) []key {
	doc, _ := v.DocumentOK()
	elements, _ := doc.Elements()
	var keys []key
	for _, e := range elements {
		direction, _ := e.Value().AsInt64OK()
		keys = append(keys, key{path: e.Key(), desc: direction < 0})
	}
	return keys
}

type index struct {
	name   string
	keys   []key
	unique bool
}

// idIndex is the one that every collection has.
var idIndex = index{name: "_id_", keys: []key{{path: "_id"}}, unique: true}

// readIndex reads an element of createIndexes.
func readIndex(spec bson.Raw) index {
	ix := index{keys: readKeys(spec.Lookup("key"))}
	ix.name, _ = spec.Lookup("name").StringValueOK()
	ix.unique, _ = spec.Lookup("unique").BooleanOK()
	return ix
}

func (ix index) String() string { return strings.Trim(fmt.Sprint(ix.keys), "[]") }

// served reports whether one of the indexes serves q, or, for an $or, whether each of its branches is served.
func served(q query, indexes []index) bool {
	for _, ix := range indexes {
		if ix.serves(q) {
			return true
		}
	}
	for _, or := range q.filter.ors {
		all := len(or) > 0
		for _, branch := range or {
			all = all && served(query{filter: q.filter.with(branch), sort: q.sort}, indexes)
		}
		if all {
			return true
		}
	}
	return false
}

// serves reports whether the index leads to the documents that q wants, in the order that it wants. To walk all
// documents in an index's order counts too, since whoever does that takes them page by page.
func (ix index) serves(q query) bool {
	if len(ix.keys) == 0 {
		return false
	}
	if q.filter.empty() {
		return len(q.sort) > 0 && ix.orders(q)
	}
	return q.filter.fields[ix.keys[0].path] != unbound && (ix.findsOne(q.filter) || ix.orders(q))
}

// findsOne reports whether f wants one document of a unique index, at most: these need no order.
func (ix index) findsOne(f filter) bool {
	for _, k := range ix.keys {
		if f.fields[k.path] != equal {
			return false
		}
	}
	return ix.unique
}

// orders reports whether the index, read forwards or backwards, has what q wants in the order of its sort. A field that
// is equal in all of them orders nothing.
func (ix index) orders(q query) bool {
	var sort []key
	for _, k := range q.sort {
		if q.filter.fields[k.path] != equal {
			sort = append(sort, k)
		}
	}
	backwards, begun := false, false
	for _, k := range ix.keys {
		switch {
		case len(sort) == 0:
			return true
		case k.path != sort[0].path:
			if q.filter.fields[k.path] != equal {
				return false
			}
		case begun && backwards != (k.desc != sort[0].desc):
			return false
		default:
			backwards, begun = k.desc != sort[0].desc, true
			sort = sort[1:]
		}
	}
	return len(sort) == 0
}
