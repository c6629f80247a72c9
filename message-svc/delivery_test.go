package message_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	message "github.com/confab-chat/confab/message-svc"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/server/servertest"
)

func TestManySendersAreAnnouncedOnceAndInOrder(t *testing.T) {
	const senders, each = 64, 4
	bothStores(t, func(t *testing.T, f *fixture) {
		subscription, err := f.broker.Subscribe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer subscription.Close()
		if err := subscription.Add(t.Context(), chat.ConversationChannel("c")); err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for s := range senders {
			author := fmt.Sprint("user", s)
			f.conversations.add("c", author, peer.Membership{Role: peer.RoleMember})
			group.Go(func() { sendAndEdit(t, f.app.Peer(), author, each) })
		}
		group.Wait()
		for rev := int64(1); rev <= senders*(each+1); rev++ {
			d, err := subscription.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var e chat.Event
			if err := json.Unmarshal(d.Payload, &e); err != nil || e.Rev != rev {
				t.Fatalf("announced event %d, %v; want %d", e.Rev, err, rev)
			}
		}
		eventually(t, "the head is the last message", func() bool { return f.conversations.head("c").Seq == senders*each })
		f.conversations.mu.Lock()
		defer f.conversations.mu.Unlock()
		for s := range senders {
			if pair := (peer.MemberPair{ConversationID: "c", UserID: fmt.Sprint("user", s)}); f.conversations.read[pair] == 0 {
				t.Errorf("the read position of %s has not moved with her message", pair.UserID)
			}
		}
	})
}

func sendAndEdit(t *testing.T, app peer.Messages, author string, each int) {
	ctx := identity.As(context.Background(), author)
	var last chat.Message
	for i := range each {
		sent, err := app.Send(ctx, peer.SendRequest{ConversationID: "c", Body: fmt.Sprint(i)})
		if err != nil || !sent.Created || sent.Message.Seq <= last.Seq {
			t.Errorf("sent %+v, %v", sent, err)
		}
		last = sent.Message
	}
	edited, err := app.Edit(ctx, peer.EditRequest{MessageID: last.ID, Body: "edited"})
	if err != nil || edited.Message.Rev <= last.Rev {
		t.Errorf("edited %+v, %v", edited, err)
	}
}

func TestEqualKeysAtOnceAreOneMessage(t *testing.T) {
	bothStores(t, func(t *testing.T, f *fixture) {
		ctx := identity.As(context.Background(), "ann")
		created := make(chan peer.Sent, 32)
		var group sync.WaitGroup
		for range cap(created) {
			group.Go(func() {
				sent, err := f.app.Peer().Send(ctx, peer.SendRequest{ConversationID: "c", Body: "x", ClientMsgID: "same"})
				if err != nil {
					t.Error(err)
				}
				created <- sent
			})
		}
		group.Wait()
		close(created)
		for sent := range created {
			if sent.Message.Seq != 1 {
				t.Fatalf("one of them has seq %d", sent.Message.Seq)
			}
		}
	})
}

func TestSendsGoOnWhileHeadsCannotBeRaised(t *testing.T) {
	f := start(t, openSQLite(t)(t))
	f.mustSend(t, f.ann, "one")
	eventually(t, "the first head", func() bool { return f.conversations.head("c").Seq == 1 })
	f.conversations.setDown(true)
	f.mustSend(t, f.ann, "two")
	f.mustSend(t, f.bob, "three")
	f.conversations.setDown(false)
	eventually(t, "the head after conversation-svc has come back", func() bool { return f.conversations.head("c").Seq == 3 })
}

func TestRefusedRaiseHoldsUpNoOther(t *testing.T) {
	f := start(t, openSQLite(t)(t))
	f.conversations.setDown(true) // so that they wait for one request
	f.conversations.refused = "c3"
	for i := range 8 {
		conversation := fmt.Sprint("c", i)
		f.conversations.add(conversation, "ann", peer.Membership{Role: peer.RoleOwner})
		if _, err := f.app.Peer().Send(identity.As(t.Context(), "ann"), peer.SendRequest{ConversationID: conversation, Body: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	f.conversations.setDown(false)
	eventually(t, "all heads but one", func() bool {
		for i := range 8 {
			if raised := f.conversations.head(fmt.Sprint("c", i)).Seq == 1; raised == (i == 3) {
				return false
			}
		}
		return true
	})
}

func TestSendWhoseCallerHasLeftStoresNothing(t *testing.T) {
	f := start(t, openSQLite(t)(t))
	left, leave := context.WithCancel(identity.As(t.Context(), "ann"))
	leave()
	if _, err := f.app.Peer().Send(left, peer.SendRequest{ConversationID: "c", Body: "x"}); fault.From(err).Kind != fault.Canceled {
		t.Fatalf("got %v, want the context's end", err)
	}
	if page := list[chat.Message](t, f, f.ann, ""); len(page.Items) != 0 {
		t.Fatalf("stored %+v", page.Items)
	}
}

// heldStore holds each Append until it is released.
type heldStore struct {
	message.Repository
	begun   chan struct{}
	release chan struct{}
}

func (h heldStore) Append(ctx context.Context, conversationID string, drafts []message.Draft) []message.Outcome {
	h.begun <- struct{}{}
	<-h.release
	return h.Repository.Append(ctx, conversationID, drafts)
}

// Else two batches of this process would race for a number, and be announced in any order.
func TestConversationHasOneBatchUnderWayThoughCallersLeave(t *testing.T) {
	store := heldStore{openSQLite(t)(t), make(chan struct{}, 2), make(chan struct{})}
	f := start(t, store)
	ann := identity.As(t.Context(), "ann")
	var group sync.WaitGroup
	send := func(ctx context.Context, key, want string) {
		group.Go(func() {
			_, err := f.app.Peer().Send(ctx, peer.SendRequest{ConversationID: "c", Body: key, ClientMsgID: key})
			if want == "" && err != nil || want != "" && fault.From(err).Code != want {
				t.Errorf("%s: %v, want %q", key, err, want)
			}
		})
	}
	send(ann, "first", "")
	<-store.begun
	leaves, leave := context.WithCancel(ann)
	send(leaves, "would-lead-the-second", "canceled")
	time.Sleep(50 * time.Millisecond) // so that it waits, and the next one behind it
	leavesLater, leaveLater := context.WithCancel(ann)
	send(leavesLater, "in-the-second", "canceled")
	time.Sleep(50 * time.Millisecond)
	leave()
	store.release <- struct{}{}
	<-store.begun
	leaveLater()
	time.Sleep(50 * time.Millisecond)
	send(ann, "third", "")
	select {
	case <-store.begun:
		t.Error("two batches of a conversation are under way")
	case <-time.After(100 * time.Millisecond):
	}
	close(store.release)
	group.Wait()
}

// The process dies between the store and the head: the next process knows nothing of the raise.
func TestLostRaiseIsRepaired(t *testing.T) {
	for name, repair := range map[string]func(*testing.T, *fixture){
		"by the next message": func(t *testing.T, f *fixture) { f.mustSend(t, f.bob, "next") },
		"by an opened history": func(t *testing.T, f *fixture) {
			list[chat.Message](t, f, f.bob, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			repo := openSQLite(t)(t)
			for i := range 1200 { // more than one raise can tell of
				d := message.Draft{ID: fmt.Sprint("m", i), Op: message.OpCreate, AuthorID: "ann", ClientMsgID: fmt.Sprint(i), Body: "x", At: chat.Now()}
				if o := repo.Append(t.Context(), "c", []message.Draft{d})[0]; o.Err != nil {
					t.Fatal(o.Err)
				}
			}
			f := start(t, repo)
			repair(t, f)
			eventually(t, "the head has caught up", func() bool { return f.conversations.head("c").Seq >= 1200 })
			f.conversations.mu.Lock()
			defer f.conversations.mu.Unlock()
			if read := f.conversations.read[peer.MemberPair{ConversationID: "c", UserID: "ann"}]; read != 1200 {
				t.Fatalf("the author has read %d, want 1200", read)
			}
		})
	}
}

func TestRemovedMemberIsRefusedSoonerThanTheCacheForgets(t *testing.T) {
	f := start(t, openSQLite(t)(t))
	f.mustSend(t, f.bob, "still here")
	f.conversations.remove("c", "bob")
	event, err := json.Marshal(chat.MemberEvent{Type: chat.MemberRemoved, ConversationID: "c", UserID: "bob", Version: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.broker.Publish(t.Context(), chat.MembersChannel, event); err != nil {
		t.Fatal(err)
	}
	eventually(t, "bob is a stranger", func() bool { return f.send(t, f.bob, "again", "").Status == http.StatusNotFound })
	servertest.Want[sent](t, http.StatusCreated, f.send(t, f.ann, "without him", ""))
}
