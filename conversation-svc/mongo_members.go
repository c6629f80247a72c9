package conversation

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// A change of a conversation names in its filter all that it relies on. Where the filter finds nothing, the conversation is read
// to see why; where nothing speaks against the change any more, it is tried again.

func (m *mongoRepository) Rename(ctx context.Context, conversationID, ownerID, title string) error {
	update := bson.D{{Key: "$set", Value: bson.D{{Key: "title", Value: title}}}}
	return m.whileManaged(ctx, conversationID, ownerID, func(*conversationDoc) (bool, error) {
		return m.modify(ctx, ownedBy(conversationID, ownerID), update, new(conversationDoc))
	})
}

func (m *mongoRepository) AddMember(ctx context.Context, a Addition) (Change, error) {
	var change Change
	err := m.whileManaged(ctx, a.ConversationID, a.OwnerID, func(doc *conversationDoc) (bool, error) {
		switch {
		case doc.has(a.UserID):
			change = Change{Version: doc.Version}
			return true, nil
		case doc.Members >= a.Cap:
			return false, errFull
		}
		if err := m.unclear(ctx, a); err != nil {
			return false, err
		}
		after, done, err := m.push(ctx, a)
		change = Change{Changed: done, Version: after.Version}
		if done {
			m.settle(ctx, &after)
		}
		return done, err
	})
	return change, err
}

// unclear forgets that a user who is about to come in cleared the conversation when she was in it before. One who comes in meanwhile, and
// clears it at once, may find it in her inbox again.
func (m *mongoRepository) unclear(ctx context.Context, a Addition) error {
	_, err := m.members.UpdateByID(ctx, memberID(a.ConversationID, a.UserID), bson.D{{Key: "$set", Value: bson.D{neverCleared}}})
	return err
}

// push brings the user in, and with her where her history starts: an addition that loses the race against another leaves neither. It
// holds the cap in its filter, so that no number of adds at once exceeds it.
func (m *mongoRepository) push(ctx context.Context, a Addition) (conversationDoc, bool, error) {
	filter := append(ownedBy(a.ConversationID, a.OwnerID),
		bson.E{Key: "participants", Value: bson.D{{Key: "$ne", Value: a.UserID}}},
		bson.E{Key: "members", Value: bson.D{{Key: "$lt", Value: a.Cap}}})
	update := append(counted(1), bson.E{Key: "$push", Value: bson.D{
		{Key: "participants", Value: a.UserID}, {Key: "arrivals", Value: arrivalDoc{UserID: a.UserID, FromSeq: a.FromSeq}},
	}})
	var after conversationDoc
	done, err := m.modify(ctx, filter, update, &after)
	return after, done, err
}

// settle moves a conversation's arrivals to the members' documents, and those that others left behind too. What it does not manage is left
// to the next addition: an arrival counts wherever it is. It may do so late or twice, for nothing that it moves goes back.
func (m *mongoRepository) settle(ctx context.Context, doc *conversationDoc) {
	for _, a := range doc.Arrivals {
		fields := bson.D{{Key: "from_seq", Value: a.FromSeq}, {Key: "read_seq", Value: a.FromSeq}}
		if err := m.forward(ctx, doc.ID, a.UserID, fields); err != nil {
			return
		}
	}
	settled := bson.D{{Key: "$pullAll", Value: bson.D{{Key: "arrivals", Value: doc.Arrivals}}}}
	_, _ = m.conversations.UpdateByID(ctx, doc.ID, settled)
}

func (m *mongoRepository) RemoveMember(ctx context.Context, conversationID, actorID, userID string) (Change, error) {
	var after conversationDoc
	err := m.whileAllowed(ctx, conversationID, actorID, func(doc *conversationDoc) (bool, error) {
		c := doc.conversation()
		if err := c.removable(actorID, userID); err != nil {
			return false, err
		}
		switch {
		case doc.OwnerID == userID:
			return m.removeOwner(ctx, doc, &after)
		case !doc.has(userID):
			return false, errNoSuchMember
		}
		filter := append(ownedBy(conversationID, doc.OwnerID), bson.E{Key: "participants", Value: userID})
		return m.modify(ctx, filter, append(counted(-1), pulled(userID)), &after)
	})
	return Change{Changed: err == nil, Version: after.Version}, err
}

// removeOwner relies on the members as they were read: the longest of them is the next owner.
func (m *mongoRepository) removeOwner(ctx context.Context, doc, after *conversationDoc) (bool, error) {
	filter := append(ownedBy(doc.ID, doc.OwnerID), bson.E{Key: "members_version", Value: doc.Version})
	for _, userID := range doc.Participants {
		if userID != doc.OwnerID {
			next := bson.E{Key: "$set", Value: bson.D{{Key: "owner_id", Value: userID}}}
			return m.modify(ctx, filter, append(counted(-1), pulled(doc.OwnerID), next), after)
		}
	}
	after.Version = doc.Version + 1
	result, err := m.conversations.DeleteOne(ctx, filter)
	if err != nil || result.DeletedCount == 0 {
		return false, err
	}
	m.forgetMembers(ctx, doc.ID)
	return true, nil
}

func (m *mongoRepository) Delete(ctx context.Context, conversationID, ownerID string) (Gone, error) {
	var last conversationDoc
	err := m.whileManaged(ctx, conversationID, ownerID, func(*conversationDoc) (bool, error) {
		return found(m.conversations.FindOneAndDelete(ctx, ownedBy(conversationID, ownerID)).Decode(&last))
	})
	if err != nil {
		return Gone{}, err
	}
	m.forgetMembers(ctx, conversationID)
	return Gone{Version: last.Version, MemberIDs: last.Participants}, nil
}

// forgetMembers tidies up: what it leaves behind belongs to an id that is never used again.
func (m *mongoRepository) forgetMembers(ctx context.Context, conversationID string) {
	_, _ = m.members.DeleteMany(ctx, bson.D{{Key: "conversation_id", Value: conversationID}})
}

// whileManaged tries a change that the owner may make until it is done, or not allowed.
func (m *mongoRepository) whileManaged(ctx context.Context, conversationID, ownerID string, try func(*conversationDoc) (bool, error)) error {
	return m.whileAllowed(ctx, conversationID, ownerID, func(doc *conversationDoc) (bool, error) {
		c := doc.conversation()
		if err := c.managedBy(ownerID); err != nil {
			return false, err
		}
		return try(doc)
	})
}

// whileAllowed tries a change by a member, with the conversation as it is then, until it is done or fails.
func (m *mongoRepository) whileAllowed(ctx context.Context, conversationID, userID string, try func(*conversationDoc) (bool, error)) error {
	for {
		// The newest state, which is what the change's filter meets: an older one could speak for the change for ever.
		doc, err := m.newest(ctx, bson.D{{Key: "_id", Value: conversationID}, {Key: "participants", Value: userID}}, allFields)
		if err != nil {
			return err
		}
		if done, err := try(&doc); done || err != nil {
			return err
		}
	}
}

// modify changes the conversation of the filter and returns it as it is then; false where there is none.
func (m *mongoRepository) modify(ctx context.Context, filter, update bson.D, after *conversationDoc) (bool, error) {
	opts := options.FindOneAndUpdate().SetReturnDocument(options.After)
	return found(m.conversations.FindOneAndUpdate(ctx, filter, update, opts).Decode(after))
}

func found(err error) (bool, error) {
	if errors.Is(err, mongo.ErrNoDocuments) {
		return false, nil
	}
	return err == nil, err
}

func ownedBy(conversationID, ownerID string) bson.D {
	return bson.D{{Key: "_id", Value: conversationID}, {Key: "owner_id", Value: ownerID}}
}

// counted changes the number of members, and the version with it.
func counted(by int) bson.D {
	return bson.D{{Key: "$inc", Value: bson.D{{Key: "members", Value: by}, {Key: "members_version", Value: 1}}}}
}

func pulled(userID string) bson.E {
	return bson.E{Key: "$pull", Value: bson.D{{Key: "participants", Value: userID}}}
}
