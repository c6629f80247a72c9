package conversation

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/confab-chat/confab/pkg/peer"
)

func (m *mongoRepository) Get(ctx context.Context, conversationID, userID string) (Entry, error) {
	doc, err := m.find(ctx, bson.D{{Key: "_id", Value: conversationID}, {Key: "participants", Value: userID}}, lessParticipants)
	if err != nil {
		return Entry{}, err
	}
	members, err := m.membersByID(ctx, []string{memberID(conversationID, userID)})
	return doc.entry(userID, members), err
}

func (m *mongoRepository) Page(ctx context.Context, userID string, behind Position, limit int) ([]Entry, error) {
	docs, err := all[conversationDoc](ctx, m.conversations, bson.D{
		{Key: "participants", Value: userID},
		{Key: "last_activity", Value: bson.D{{Key: "$lte", Value: behind.At.Time}}},
		{Key: "$or", Value: bson.A{
			bson.D{{Key: "last_activity", Value: bson.D{{Key: "$lt", Value: behind.At.Time}}}},
			bson.D{{Key: "_id", Value: bson.D{{Key: "$lt", Value: behind.ID}}}},
		}},
	}, options.Find().SetSort(bson.D{{Key: "last_activity", Value: -1}, {Key: "_id", Value: -1}}).
		SetLimit(int64(limit)).SetProjection(lessParticipants))
	if err != nil || len(docs) == 0 {
		return nil, err
	}
	ids := make([]string, len(docs))
	for i := range docs {
		ids[i] = memberID(docs[i].ID, userID)
	}
	members, err := m.membersByID(ctx, ids)
	page := make([]Entry, len(docs))
	for i := range docs {
		page[i] = docs[i].entry(userID, members)
	}
	return page, err
}

// entry takes the user's standing from the member documents, which are by their ids.
func (d *conversationDoc) entry(userID string, members map[string]*memberDoc) Entry {
	return Entry{Conversation: d.conversation(), Standing: d.standing(userID, members[memberID(d.ID, userID)])}
}

func (m *mongoRepository) Members(ctx context.Context, conversationID string) ([]Member, error) {
	docs, members, err := m.whole(ctx, []string{conversationID})
	if err != nil || len(docs) == 0 {
		return nil, err
	}
	list := make([]Member, len(docs[0].Participants))
	for i, userID := range docs[0].Participants {
		list[i] = Member{UserID: userID, Standing: docs[0].entry(userID, members).Standing}
	}
	return list, nil
}

func (m *mongoRepository) MemberSets(ctx context.Context, conversationIDs []string) ([]peer.MemberSet, error) {
	docs, members, err := m.whole(ctx, conversationIDs)
	if err != nil {
		return nil, err
	}
	sets := make([]peer.MemberSet, len(docs))
	for i := range docs {
		sets[i] = docs[i].set(members)
	}
	return sets, nil
}

func (d *conversationDoc) set(members map[string]*memberDoc) peer.MemberSet {
	set := peer.MemberSet{ConversationID: d.ID, Version: d.Version, FromSeqs: make(map[string]int64, len(d.Participants))}
	for _, userID := range d.Participants {
		set.FromSeqs[userID] = d.standing(userID, members[memberID(d.ID, userID)]).FromSeq
	}
	return set
}

// whole returns conversations and then their members: who has no arrival any more has her document, and a version is taken after what it
// is for.
func (m *mongoRepository) whole(ctx context.Context, conversationIDs []string) ([]conversationDoc, map[string]*memberDoc, error) {
	docs, err := all[conversationDoc](ctx, m.conversations, in("_id", conversationIDs), options.Find())
	if err != nil || len(docs) == 0 {
		return nil, nil, err
	}
	members, err := m.membersIn(ctx, in("conversation_id", conversationIDs))
	return docs, members, err
}

func (m *mongoRepository) MemberVersions(ctx context.Context, conversationIDs []string) (map[string]int64, error) {
	docs, err := m.only(ctx, "members_version", conversationIDs)
	versions := make(map[string]int64, len(docs))
	for i := range docs {
		versions[docs[i].ID] = docs[i].Version
	}
	return versions, err
}

func (m *mongoRepository) MemberIDs(ctx context.Context, conversationIDs []string) (map[string][]string, error) {
	docs, err := m.only(ctx, "participants", conversationIDs)
	members := make(map[string][]string, len(docs))
	for i := range docs {
		members[docs[i].ID] = docs[i].Participants
	}
	return members, err
}

// only returns conversations with their id and one field.
func (m *mongoRepository) only(ctx context.Context, field string, conversationIDs []string) ([]conversationDoc, error) {
	return all[conversationDoc](ctx, m.conversations, in("_id", conversationIDs),
		options.Find().SetProjection(bson.D{{Key: field, Value: 1}}))
}

func (m *mongoRepository) Memberships(ctx context.Context, pairs []peer.MemberPair) ([]peer.Membership, error) {
	conversationIDs, memberIDs := make([]string, len(pairs)), make([]string, len(pairs))
	for i, pair := range pairs {
		conversationIDs[i], memberIDs[i] = pair.ConversationID, memberID(pair.ConversationID, pair.UserID)
	}
	docs, err := all[conversationDoc](ctx, m.conversations, in("_id", distinct(conversationIDs)), options.Find())
	if err != nil {
		return nil, err
	}
	members, err := m.membersByID(ctx, memberIDs)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*conversationDoc, len(docs))
	for i := range docs {
		byID[docs[i].ID] = &docs[i]
	}
	items := make([]peer.Membership, len(pairs))
	for i, pair := range pairs {
		if doc := byID[pair.ConversationID]; doc != nil && doc.has(pair.UserID) {
			entry := doc.entry(pair.UserID, members)
			items[i] = peer.Membership{Member: true, Role: entry.roleOf(pair.UserID), FromSeq: entry.FromSeq}
		}
	}
	return items, nil
}

func (m *mongoRepository) Heads(ctx context.Context, after string, limit int) ([]HeadMark, error) {
	docs, err := all[conversationDoc](ctx, m.conversations, bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}},
		options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}).SetLimit(int64(limit)).SetProjection(bson.D{{Key: "head", Value: 1}}))
	marks := make([]HeadMark, len(docs))
	for i := range docs {
		marks[i] = HeadMark{ConversationID: docs[i].ID, Seq: docs[i].Head.Seq, Rev: docs[i].Head.Rev}
	}
	return marks, err
}

func (m *mongoRepository) membersByID(ctx context.Context, ids []string) (map[string]*memberDoc, error) {
	return m.membersIn(ctx, in("_id", ids))
}

// membersIn returns member documents by their ids.
func (m *mongoRepository) membersIn(ctx context.Context, filter bson.D) (map[string]*memberDoc, error) {
	docs, err := all[memberDoc](ctx, m.members, filter, options.Find())
	byID := make(map[string]*memberDoc, len(docs))
	for i := range docs {
		byID[docs[i].ID] = &docs[i]
	}
	return byID, err
}

func in(field string, values []string) bson.D {
	return bson.D{{Key: field, Value: bson.D{{Key: "$in", Value: values}}}}
}

func all[T any](ctx context.Context, c *mongo.Collection, filter bson.D, opts *options.FindOptionsBuilder) ([]T, error) {
	cursor, err := c.Find(ctx, filter, opts)
	if err != nil {
		return nil, err
	}
	var docs []T
	err = cursor.All(ctx, &docs)
	return docs, err
}
