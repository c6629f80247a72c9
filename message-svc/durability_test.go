package message_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	message "github.com/confab-chat/confab/message-svc"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/sqlitekit/sqlitetest"
)

func TestPowerFailureLosesNothingAcknowledged(t *testing.T) {
	disk := sqlitetest.NewForgetful(t)
	repo, err := message.OpenSQLite(t.Context(), disk.Path("messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	f := start(t, repo)
	var mu sync.Mutex
	var acknowledged []peer.Sent
	var senders sync.WaitGroup
	cut := make(chan struct{})
	for s := range 16 {
		author := fmt.Sprint("user", s)
		f.conversations.add("c", author, peer.Membership{Role: peer.RoleMember})
		senders.Go(func() {
			ctx := identity.As(context.Background(), author)
			for {
				sent, err := f.app.Peer().Send(ctx, peer.SendRequest{ConversationID: "c", Body: "x"})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acknowledged = append(acknowledged, sent)
				if len(acknowledged) == 500 {
					close(cut)
				}
				done := len(acknowledged) >= 500
				mu.Unlock()
				if done {
					return
				}
			}
		})
	}
	<-cut
	mu.Lock()
	before := acknowledged
	mu.Unlock()
	after := disk.PowerFails(t) // while the others are still writing
	senders.Wait()

	survived, err := message.OpenSQLite(t.Context(), filepath.Join(after, "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer survived.Close()
	for _, sent := range before {
		if m, err := survived.Get(t.Context(), sent.Message.ID); err != nil || m.Seq != sent.Message.Seq {
			t.Fatalf("message %d was acknowledged and is %+v, %v", sent.Message.Seq, m, err)
		}
	}
}
