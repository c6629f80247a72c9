package mongokit

import (
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
)

// Majority returns coll for reads of what a majority holds, from the primary. It never shows what a failover can take
// back: history, feed and look-ups read so.
func Majority(coll *mongo.Collection) *mongo.Collection {
	return reading(coll, readconcern.Majority())
}

// Local returns coll for reads of the newest that the primary holds, be it on a majority yet or not: the next number is
// taken from these, since a number too low only costs a duplicate.
func Local(coll *mongo.Collection) *mongo.Collection {
	return reading(coll, readconcern.Local())
}

func reading(coll *mongo.Collection, concern *readconcern.ReadConcern) *mongo.Collection {
	return coll.Clone(options.Collection().
		SetReadConcern(concern).
		SetReadPreference(readpref.Primary()).
		SetWriteConcern(durable()))
}
