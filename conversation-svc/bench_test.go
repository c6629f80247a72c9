package conversation_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	conversation "github.com/confab-chat/confab/conversation-svc"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/peer"
)

// groups starts n groups of these members in a new SQLite file.
func groups(b *testing.B, n int, members ...string) (conversation.Repository, []string) {
	b.Helper()
	r, err := conversation.OpenSQLite(b.Context(), filepath.Join(b.TempDir(), "conversations.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = r.Close() })
	ids := make([]string, n)
	errs := make(chan error, n)
	for i := range n {
		c := conversation.NewGroup(members[0], "a title", "")
		c.LastActivity, ids[i] = chat.FromMillis(int64(i)), c.ID
		go func() { errs <- r.Insert(b.Context(), c, members) }()
	}
	for range n {
		if err := <-errs; err != nil {
			b.Fatal(err)
		}
	}
	return r, ids
}

// BenchmarkInbox reads a first page at the repository, in a small inbox and a large one. Run it with -benchtime 1x.
func BenchmarkInbox(b *testing.B) {
	for _, n := range []int{50, 10_000} {
		b.Run(fmt.Sprintf("first page of %d", n), func(b *testing.B) {
			r, _ := groups(b, n, "ann", "bob")
			for b.Loop() {
				b.ReportMetric(float64(medianPage(b, r).Nanoseconds()), "median-ns")
			}
		})
	}
}

func medianPage(b *testing.B, r conversation.Repository) time.Duration {
	taken := make([]time.Duration, 50)
	for i := range taken {
		begin := time.Now()
		page, err := r.Page(b.Context(), "ann", conversation.Position{At: chat.Now()}, 51)
		taken[i] = time.Since(begin)
		if err != nil || len(page) < 50 {
			b.Fatal(len(page), err)
		}
	}
	slices.Sort(taken)
	return taken[len(taken)/2]
}

func BenchmarkRaise(b *testing.B) {
	for _, size := range []struct{ conversations, members int }{{1, 2}, {100, 2}, {100, 50}, {1, 1000}} {
		b.Run(fmt.Sprintf("%d of %d members", size.conversations, size.members), func(b *testing.B) {
			members := make([]string, size.members)
			for i := range members {
				members[i] = fmt.Sprintf("%024d", i)
			}
			r, ids := groups(b, size.conversations, members...)
			raises := make([]peer.Raise, len(ids))
			for seq := int64(1); b.Loop(); seq++ {
				for i, conversationID := range ids {
					head := peer.Head{Seq: seq, Rev: seq, Excerpt: "hello", AuthorID: members[0], At: chat.TimeOf(time.UnixMilli(seq))}
					raises[i] = peer.Raise{ConversationID: conversationID, FromSeq: seq, Newest: head}
				}
				if _, err := r.RaiseHeads(b.Context(), raises); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
