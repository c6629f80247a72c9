package conversation

import (
	"context"
	"hash/maphash"
	"sync"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/check"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/peer"
)

func (s *service) AddMember(ctx context.Context, r AddMemberRequest) (Added, error) {
	me := identity.UserID(ctx)
	entry, err := s.entry(ctx, r.ID)
	if err != nil {
		return Added{}, err
	}
	if err := check.All(entry.managedBy(me), check.ID("user_id", r.UserID)); err != nil {
		return Added{}, err
	}
	if err := s.requireUsers(ctx, "user_id", []string{r.UserID}); err != nil {
		return Added{}, err
	}
	last, err := s.lastSeq(ctx, r.ID)
	if err != nil {
		return Added{}, err
	}
	change, err := s.add(ctx, Addition{ConversationID: r.ID, OwnerID: me, UserID: r.UserID, FromSeq: last, Cap: s.maxMembers})
	if err != nil {
		return Added{}, err
	}
	now, err := s.repo.Get(ctx, r.ID, r.UserID)
	member := MemberView{UserID: r.UserID, Role: now.roleOf(r.UserID), ReadSeq: now.ReadSeq}
	return Added{Member: member, added: change.Changed}, err
}

func (s *service) add(ctx context.Context, a Addition) (Change, error) {
	defer s.changing.lock(a.ConversationID)()
	change, err := s.repo.AddMember(ctx, a)
	if err == nil && change.Changed {
		s.news.member(chat.MemberEvent{
			Type: chat.MemberAdded, ConversationID: a.ConversationID, UserID: a.UserID, Version: change.Version, FromSeq: a.FromSeq,
		})
	}
	return change, err
}

func (s *service) RemoveMember(ctx context.Context, r RemoveMemberRequest) (httpkit.Empty, error) {
	return httpkit.Empty{}, s.remove(ctx, r.ID, r.UserID)
}

func (s *service) Leave(ctx context.Context, r LeaveRequest) (httpkit.Empty, error) {
	return httpkit.Empty{}, s.remove(ctx, r.ID, identity.UserID(ctx))
}

func (s *service) remove(ctx context.Context, conversationID, userID string) error {
	if err := check.All(check.ID("id", conversationID), check.ID("user_id", userID)); err != nil {
		return err
	}
	defer s.changing.lock(conversationID)()
	change, err := s.repo.RemoveMember(ctx, conversationID, identity.UserID(ctx), userID)
	if err == nil && change.Changed {
		s.news.memberRemoved(conversationID, userID, change.Version)
	}
	return err
}

func (s *service) Memberships(ctx context.Context, r peer.MembershipsRequest) (peer.Memberships, error) {
	ids := make([]string, 0, 2*len(r.Pairs))
	for _, pair := range r.Pairs {
		ids = append(ids, pair.ConversationID, pair.UserID)
	}
	if err := check.IDs("pairs", ids, 2*chat.MaxBatch); err != nil {
		return peer.Memberships{}, err
	}
	items, err := s.repo.Memberships(ctx, r.Pairs)
	return peer.Memberships{Items: items}, err
}

func (s *service) MemberSets(ctx context.Context, r peer.MemberSetsRequest) (peer.MemberSets, error) {
	if err := check.IDs("conversation_ids", r.ConversationIDs, chat.MaxBatch); err != nil {
		return peer.MemberSets{}, err
	}
	items, err := s.repo.MemberSets(ctx, r.ConversationIDs)
	return peer.MemberSets{Items: items}, err
}

func (s *service) MemberVersions(ctx context.Context, r peer.MemberVersionsRequest) (peer.MemberVersions, error) {
	if err := check.IDs("conversation_ids", r.ConversationIDs, chat.MaxBatch); err != nil {
		return peer.MemberVersions{}, err
	}
	versions, err := s.repo.MemberVersions(ctx, r.ConversationIDs)
	return peer.MemberVersions{Versions: versions}, err
}

// keyLocks are locks by key. Different keys may share one. The zero value is ready.
type keyLocks [64]sync.Mutex

var lockSeed = maphash.MakeSeed()

// lock returns what unlocks.
func (l *keyLocks) lock(key string) (unlock func()) {
	m := &l[maphash.String(lockSeed, key)%uint64(len(l))]
	m.Lock()
	return m.Unlock
}
