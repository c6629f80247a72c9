package message_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	message "github.com/confab-chat/confab/message-svc"
	"github.com/confab-chat/confab/pkg/chat"
)

const pageReads = 50 // of each page; the median is reported

// BenchmarkPages reads pages of 50 at the repository, in small stores and large ones. Run it with -benchtime 1x.
func BenchmarkPages(b *testing.B) {
	for _, store := range []struct{ conversations, each int }{{1, 1000}, {1, 1_000_000}, {50, 100}, {10_000, 100}} {
		repo := filled(b, store.conversations, store.each)
		for name, before := range map[string]int{"first": store.each + 1, "middle": store.each / 2, "last": 51} {
			b.Run(fmt.Sprintf("%dx%d/%s", store.conversations, store.each, name), func(b *testing.B) {
				for b.Loop() {
					b.ReportMetric(float64(medianPage(b, repo, store.conversations, before).Nanoseconds()), "median-ns")
				}
			})
		}
	}
}

func filled(b *testing.B, conversations, each int) message.Repository {
	b.Helper()
	repo, err := message.OpenSQLite(b.Context(), filepath.Join(b.TempDir(), "messages.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = repo.Close() })
	const step = 1000
	for from := 0; from < each; from += step {
		for c := range conversations {
			drafts := make([]message.Draft, 0, step)
			for i := from; i < min(from+step, each); i++ {
				key := fmt.Sprintf("%d-%d", c, i)
				drafts = append(drafts, message.Draft{
					ID: key, Op: message.OpCreate, AuthorID: "ann", ClientMsgID: key, Body: "The quick brown fox jumps over the lazy dog.", At: chat.Now(),
				})
			}
			for _, o := range repo.Append(b.Context(), fmt.Sprint("c", c), drafts) {
				if o.Err != nil {
					b.Fatal(o.Err)
				}
			}
		}
	}
	return repo
}

func medianPage(b *testing.B, repo message.Repository, conversations, before int) time.Duration {
	taken := make([]time.Duration, pageReads)
	for i := range taken {
		begin := time.Now()
		page, err := repo.Before(b.Context(), fmt.Sprint("c", i*conversations/pageReads), int64(before), 0, 50)
		taken[i] = time.Since(begin)
		if err != nil || len(page) < 49 {
			b.Fatalf("%d messages, %v", len(page), err)
		}
	}
	slices.Sort(taken)
	return taken[pageReads/2]
}
