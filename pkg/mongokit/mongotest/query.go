package mongotest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// A query is the part of a command that an index can serve.
type query struct {
	filter filter
	sort   []key
}

func newQuery(command bson.Raw, filterKey string) query {
	q := query{filter: newFilter()}
	q.filter.add(command.Lookup(filterKey))
	q.sort = readKeys(command.Lookup("sort"))
	return q
}

// newPipeline reads the $match stages that a pipeline begins with, and the $sort after them. An index serves no others.
func newPipeline(command bson.Raw) query {
	q := query{filter: newFilter()}
	for _, stage := range documents(command.Lookup("pipeline")) {
		if match, err := stage.LookupErr("$match"); err == nil {
			q.filter.add(match)
			continue
		}
		q.sort = readKeys(stage.Lookup("$sort"))
		break
	}
	return q
}

// String tells the query's shape without its values.
func (q query) String() string {
	if len(q.sort) == 0 {
		return q.filter.String()
	}
	return fmt.Sprintf("%v sorted by %v", q.filter, q.sort)
}

// A binding says how a filter narrows a field.
type binding int

const (
	unbound binding = iota // in no way that an index can use
	ranged                 // to a range, or to one of several values
	equal                  // to one value
)

func (b binding) String() string { return [...]string{"unbound", "ranged", "equal"}[b] }

// A filter is a conjunction: how each field that it names is bound, and each $or with its branches.
type filter struct {
	fields map[string]binding
	ors    [][]filter
}

func newFilter() filter { return filter{fields: map[string]binding{}} }

// empty reports whether f names nothing, not even what no index can serve.
func (f filter) empty() bool { return len(f.fields) == 0 && len(f.ors) == 0 }

// String tells the filter's shape.
func (f filter) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(f.fields)) {
		parts = append(parts, name+" "+f.fields[name].String())
	}
	for _, or := range f.ors {
		parts = append(parts, fmt.Sprintf("$or %v", or))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// add narrows f by the document v too.
func (f *filter) add(v bson.RawValue) {
	doc, _ := v.DocumentOK()
	elements, _ := doc.Elements()
	for _, e := range elements {
		switch {
		case e.Key() == "$and":
			for _, branch := range documents(e.Value()) {
				f.add(bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: branch})
			}
		case e.Key() == "$or":
			var or []filter
			for _, branch := range documents(e.Value()) {
				one := newFilter()
				one.add(bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: branch})
				or = append(or, one)
			}
			f.ors = append(f.ors, or)
		default:
			f.fields[e.Key()] = max(f.fields[e.Key()], bindingOf(e.Value()))
		}
	}
}

// with returns f and branch at once.
func (f filter) with(branch filter) filter {
	both := filter{fields: maps.Clone(f.fields), ors: branch.ors}
	for name, b := range branch.fields {
		both.fields[name] = max(both.fields[name], b)
	}
	return both
}

// bindingOf reads what a filter says of one field.
func bindingOf(v bson.RawValue) binding {
	if v.Type == bson.TypeRegex {
		return unbound
	}
	doc, ok := v.DocumentOK()
	elements, err := doc.Elements()
	if !ok || err != nil || len(elements) == 0 || !strings.HasPrefix(elements[0].Key(), "$") {
		return equal
	}
	b := unbound
	for _, e := range elements {
		switch e.Key() {
		case "$eq":
			b = equal
		case "$in", "$all", "$gt", "$gte", "$lt", "$lte":
			b = max(b, ranged)
		}
	}
	return b
}
