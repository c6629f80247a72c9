package mongotest

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// raw reads extended JSON.
func raw(t *testing.T, json string) bson.Raw {
	t.Helper()
	var doc bson.Raw
	if err := bson.UnmarshalExtJSON([]byte(json), false, &doc); err != nil {
		t.Fatalf("%s: %v", json, err)
	}
	return doc
}

// have are the indexes of the tests' collection.
func have(t *testing.T) []index {
	return []index{
		readIndex(raw(t, `{"name": "a", "key": {"a": 1, "b": -1, "c": 1}}`)),
		readIndex(raw(t, `{"name": "u", "key": {"u": 1, "v": 1}, "unique": true}`)),
		readIndex(raw(t, `{"name": "d", "key": {"d.e": 1}}`)),
	}
}

func TestFind(t *testing.T) {
	tests := []struct {
		command string
		served  bool
	}{
		// The first field of an index has to be bound.
		{`{"filter": {"a": 1}}`, true},
		{`{"filter": {"a": null}}`, true},
		{`{"filter": {"a": {"x": 1}}}`, true},
		{`{"filter": {"a": {}}}`, true},
		{`{"filter": {"a": {"$eq": 1}}}`, true},
		{`{"filter": {"a": {"$in": [1, 2]}}}`, true},
		{`{"filter": {"a": {"$all": [1, 2]}}}`, true},
		{`{"filter": {"a": {"$gt": 1}}}`, true},
		{`{"filter": {"a": {"$gte": 1}}}`, true},
		{`{"filter": {"a": {"$lt": 1}}}`, true},
		{`{"filter": {"a": {"$lte": 1}}}`, true},
		{`{"filter": {"x": 1, "a": {"$ne": 3, "$lte": 1}}}`, true},
		{`{"filter": {"_id": 1}}`, true},
		{`{"filter": {"d.e": 1}}`, true},
		{`{"filter": {"u": 1}}`, true},
		{`{"filter": {"b": 1}}`, false},
		{`{"filter": {"v": 1}}`, false},
		{`{"filter": {"d": {"e": 1}}}`, false},
		{`{"filter": {"x": 1}}`, false},
		{`{"filter": {"a": {"$ne": 1}}}`, false},
		{`{"filter": {"a": {"$nin": [1]}}}`, false},
		{`{"filter": {"a": {"$exists": true}}}`, false},
		{`{"filter": {"a": {"$not": {"$gt": 1}}}}`, false},
		{`{"filter": {"a": {"$regex": "x"}}}`, false},
		{`{"filter": {"a": {"$regularExpression": {"pattern": "x", "options": ""}}}}`, false},
		{`{"filter": {"$nor": [{"a": 1}]}}`, false},
		{`{"filter": {"$expr": {"a": 1}}}`, false},

		// All of a conjunction count, and every branch of a disjunction.
		{`{"filter": {"$and": [{"x": 1}, {"a": 1}]}}`, true},
		{`{"filter": {"$and": [{"x": 1}, {"$and": [{"a": 1}]}]}}`, true},
		{`{"filter": {"$and": [{"a": 1}, {"a": {"$exists": true}}]}}`, true},
		{`{"filter": {"$and": [{"x": 1}, {"y": 1}]}}`, false},
		{`{"filter": {"$or": [{"a": 1}, {"u": 1}]}}`, true},
		{`{"filter": {"$or": [{"a": 1}, {"x": 1}]}}`, false},
		{`{"filter": {"$or": [{"x": 1}, {"y": 1}], "a": 1}}`, true},
		{`{"filter": {"$or": [{"x": 1}, {"$or": [{"a": 1}, {"x": 1}]}]}}`, false},
		{`{"filter": {"$or": [{"u": 1}, {"$or": [{"a": 1}, {"d.e": 1}]}]}}`, true},
		{`{"filter": {"$or": []}}`, false},

		// The same index has the order.
		{`{"filter": {"a": 1}, "sort": {"b": -1}}`, true},
		{`{"filter": {"a": 1}, "sort": {"b": 1}}`, true},
		{`{"filter": {"a": 1}, "sort": {"b": -1, "c": 1}}`, true},
		{`{"filter": {"a": 1}, "sort": {"b": 1, "c": -1}}`, true},
		{`{"filter": {"a": 1}, "sort": {"b": 1, "c": 1}}`, false},
		{`{"filter": {"a": 1}, "sort": {"a": 1, "b": 1}}`, true},
		{`{"filter": {"a": 1, "b": 2}, "sort": {"c": 1}}`, true},
		{`{"filter": {"a": 1, "b": 2}, "sort": {"b": -1, "c": -1}}`, true},
		{`{"filter": {"a": 1, "b": {"$lt": 2}}, "sort": {"b": -1}}`, true},
		{`{"filter": {"a": 1, "b": {"$lt": 2}}, "sort": {"c": 1}}`, false},
		{`{"filter": {"a": {"$in": [1, 2]}}, "sort": {"b": -1}}`, false},
		{`{"filter": {"a": {"$gt": 1}}, "sort": {"a": -1, "b": 1}}`, true},
		{`{"filter": {"a": {"$gt": 1}}, "sort": {"b": 1}}`, false},
		{`{"filter": {"a": 1}, "sort": {"c": 1}}`, false},
		{`{"filter": {"a": 1}, "sort": {"x": 1}}`, false},
		{`{"filter": {"a": 1}, "sort": {"b": 1, "c": -1, "x": 1}}`, false},
		{`{"filter": {"a": 1}, "sort": {"_id": 1}}`, false},
		{`{"filter": {"_id": {"$gt": 1}}, "sort": {"_id": 1}}`, true},
		{`{"filter": {"_id": {"$gt": 1}, "x": 1}, "sort": {"_id": 1}}`, true},
		{`{"filter": {"_id": 1}, "sort": {"x": 1}}`, true},
		{`{"filter": {"u": 1, "v": 1}, "sort": {"x": 1}}`, true},
		{`{"filter": {"u": 1}, "sort": {"x": 1}}`, false},
		{`{"filter": {"d.e": 1}, "sort": {"x": 1}}`, false},
		{`{"filter": {"a": 1, "$or": [{"b": 1}, {"b": 2}]}, "sort": {"c": 1}}`, true},
		{`{"filter": {"$or": [{"a": 1}, {"a": 2}]}, "sort": {"b": 1}}`, true},
		{`{"filter": {"$or": [{"a": 1}, {"u": 2}]}, "sort": {"b": 1}}`, false},

		// A walk goes over all documents in the order of an index, or says what it is.
		{`{"filter": {}, "sort": {"_id": 1}}`, true},
		{`{"filter": {}, "sort": {"_id": -1}}`, true},
		{`{"sort": {"_id": 1}}`, true},
		{`{"filter": {}, "sort": {"a": 1, "b": -1}}`, true},
		{`{"filter": {"x": 1}, "sort": {"_id": 1}}`, false},
		{`{"filter": {"$nor": [{"x": 1}]}, "sort": {"_id": 1}}`, false},
		{`{"filter": {}, "sort": {"b": 1}}`, false},
		{`{"filter": {}}`, false},
		{`{}`, false},
		{`{"filter": {"x": 1}, "comment": "walk: once, at an upgrade"}`, true},
		{`{"filter": {"x": 1}, "comment": "a walk: "}`, false},
		{`{"filter": {"x": 1}, "comment": 1}`, false},
	}
	for _, test := range tests {
		if found := faults("find", raw(t, test.command), have(t)); (len(found) == 0) != test.served {
			t.Errorf("%s: want served %v, got %q", test.command, test.served, found)
		}
	}
}

func TestOtherQueries(t *testing.T) {
	tests := []struct {
		name, command string
		served        bool
	}{
		{"count", `{"query": {"a": 1}}`, true},
		{"count", `{"query": {"x": 1}}`, false},
		{"count", `{"query": {}}`, true},
		{"distinct", `{"key": "x", "query": {"a": 1}}`, true},
		{"distinct", `{"key": "x", "query": {"x": 1}}`, false},
		{"delete", `{"deletes": [{"q": {"a": 1}}, {"q": {"_id": 1}}]}`, true},
		{"delete", `{"deletes": [{"q": {"a": 1}}, {"q": {"x": 1}}]}`, false},
		{"delete", `{"deletes": [{"q": {}}], "comment": "walk: all"}`, true},
		{"update", `{"updates": [{"q": {"a": 1}, "u": {"$set": {"x": 1}}}]}`, true},
		{"update", `{"updates": [{"q": {"a": 1}, "u": {}}, {"q": {"x": 1}, "u": {}}]}`, false},
		{"findAndModify", `{"query": {"a": 1}, "sort": {"b": 1}, "update": {"$set": {"x": 1}}}`, true},
		{"findAndModify", `{"query": {"a": 1}, "sort": {"c": 1}, "update": {"$set": {"x": 1}}}`, false},
		{"findAndModify", `{"query": {"x": 1}, "remove": true}`, false},
		{"aggregate", `{"pipeline": [{"$match": {"a": 1}}, {"$group": {"_id": "$b"}}]}`, true},
		{"aggregate", `{"pipeline": [{"$match": {"x": 1}}, {"$match": {"a": 1}}, {"$sort": {"b": 1}}, {"$match": {"y": 1}}]}`, true},
		{"aggregate", `{"pipeline": [{"$match": {"a": 1}}, {"$group": {"_id": "$b"}}, {"$sort": {"n": 1}}]}`, true},
		{"aggregate", `{"pipeline": [{"$match": {"a": 1}}, {"$sort": {"x": 1}}]}`, false},
		{"aggregate", `{"pipeline": [{"$match": {"x": 1}}]}`, false},
		{"aggregate", `{"pipeline": [{"$group": {"_id": "$b"}}, {"$match": {"a": 1}}]}`, false},
		{"aggregate", `{"pipeline": []}`, false},
		{"aggregate", `{"pipeline": [], "comment": "walk: all"}`, true},
		{"listIndexes", `{}`, true},
		{"getMore", `{}`, true},
	}
	for _, test := range tests {
		if found := faults(test.name, raw(t, test.command), have(t)); (len(found) == 0) != test.served {
			t.Errorf("%s %s: want served %v, got %q", test.name, test.command, test.served, found)
		}
	}
}

func TestFaultTellsTheShapeAlone(t *testing.T) {
	got := faults("find", raw(t, `{"filter": {"x": "secret", "$or": [{"y": {"$gt": 1}}]}, "sort": {"b": -1, "z": 1}}`), have(t)[:2])
	want := "no index serves {x equal, $or [{y ranged}]} sorted by [-b z], there are [_id a -b c u v]"
	if len(got) != 1 || got[0] != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestNewDocuments(t *testing.T) {
	unique := []index{
		readIndex(raw(t, `{"name": "a", "key": {"a": 1, "d.e": 1}, "unique": true}`)),
		readIndex(raw(t, `{"name": "x", "key": {"x": 1}}`)),
	}
	tests := []struct {
		name, command string
		faults        int
	}{
		{"insert", `{"documents": [{"_id": 1, "a": 1, "d": {"e": 1}}]}`, 0},
		{"insert", `{"documents": [{"a": null, "d": {"e": null}}]}`, 0},
		{"insert", `{"documents": [{"a": [], "d": [{"e": 1}]}]}`, 0},
		{"insert", `{"documents": [{"d": {"e": 1}}]}`, 1},
		{"insert", `{"documents": [{"a": 1, "d": {"f": 1}}]}`, 1},
		{"insert", `{"documents": [{"a": 1, "d": 1}]}`, 1},
		{"insert", `{"documents": [{"a": 1, "d": {"e": 1}}, {}]}`, 2},
		{"insert", `{"documents": [{}], "comment": "walk: none"}`, 2},

		{"update", `{"updates": [{"q": {"_id": 1}, "u": {"$set": {"z": 1}}}]}`, 0},
		{"update", `{"updates": [{"q": {"_id": 1}, "u": {"$set": {"z": 1}}, "upsert": true}]}`, 2},
		{"update", `{"updates": [{"q": {"_id": 1}, "u": {"$set": {"a": 1}, "$setOnInsert": {"d.e": 1}}, "upsert": true}]}`, 0},
		{"update", `{"updates": [{"q": {"_id": 1}, "u": {"$inc": {"a": 1}, "$max": {"d": {"e": 1}}}, "upsert": true}]}`, 0},
		{"update", `{"updates": [{"q": {"_id": 1}, "u": {"$push": {"a.b": 1}, "$set": {"d": {"f": 1}}}, "upsert": true}]}`, 1},
		{"update", `{"updates": [{"q": {"_id": 1}, "u": {"$unset": {"a": 1}, "$set": {"d": 1}}, "upsert": true}]}`, 2},
		{"update", `{"updates": [{"q": {"_id": 1, "a": 1, "d.e": 1}, "u": {"$set": {"z": 1}}, "upsert": true}]}`, 0},
		{"update", `{"updates": [{"q": {"_id": 1, "a": {"$in": [1]}, "d.e": {"$gt": 1}}, "u": {"$set": {"z": 1}}, "upsert": true}]}`, 2},
		{"update", `{"updates": [{"q": {"_id": 1, "d.e": 1}, "u": {"a": 1}, "upsert": true}]}`, 1},
		{"update", `{"updates": [{"q": {"_id": 1}, "u": {}, "upsert": true}]}`, 2},
		{"update", `{"updates": [{"q": {"_id": 1}, "u": {"a": 1, "d": {"e": 1}}, "upsert": true}]}`, 0},

		{"findAndModify", `{"query": {"_id": 1}, "update": {"$set": {"z": 1}}}`, 0},
		{"findAndModify", `{"query": {"_id": 1}, "update": {"$set": {"z": 1}}, "upsert": true}`, 2},
		{"findAndModify", `{"query": {"_id": 1, "a": 1}, "update": {"$set": {"d.e": 1}}, "upsert": true}`, 0},
	}
	for _, test := range tests {
		if found := faults(test.name, raw(t, test.command), unique); len(found) != test.faults {
			t.Errorf("%s %s: want %d faults, got %q", test.name, test.command, test.faults, found)
		}
	}
}
