package conversation

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/guard"
	"github.com/confab-chat/confab/pkg/pause"
	"github.com/confab-chat/confab/pkg/peer"
)

const (
	walkPause    = 200 * time.Millisecond // between pages, so that a walk is never felt
	walkRetryMin = time.Second
	walkRetryMax = 30 * time.Second
)

// walk compares all heads with message-svc, page by page, and raises those that lag: the last repair of a lost raise.
type walk struct {
	repo   Repository
	peers  *peer.Peers
	raise  func(context.Context, peer.RaiseHeadsRequest) (peer.RaisedHeads, error)
	log    *slog.Logger
	every  time.Duration
	raised prometheus.Counter
	failed prometheus.Counter
}

func newWalk(s *service, log *slog.Logger, every time.Duration, registerer prometheus.Registerer) *walk {
	w := &walk{repo: s.repo, peers: s.peers, raise: s.RaiseHeads, log: log, every: every}
	w.raised = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "confab_walk_heads_raised_total", Help: "Heads that the walk found behind message-svc.",
	})
	w.failed = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "confab_walk_failures_total", Help: "Pages of the walk that failed and were tried again.",
	})
	registerer.MustRegister(w.raised, w.failed)
	return w
}

// run walks at once, and then again and again until ctx ends.
func (w *walk) run(ctx context.Context) {
	for !guard.Off(guard.HeadRepair) {
		w.all(ctx)
		if !pause.For(ctx, w.every) {
			return
		}
	}
}

func (w *walk) all(ctx context.Context) {
	retry := walkRetryMin
	for after, more := "", true; more; {
		last, err := w.page(ctx, after)
		if err == nil {
			after, more, retry = last, last != "", walkRetryMin
			if more && !pause.For(ctx, walkPause) {
				return
			}
			continue
		}
		if ctx.Err() != nil {
			return
		}
		w.failed.Inc()
		w.log.WarnContext(ctx, "heads not compared", "error", err.Error())
		if !pause.For(ctx, retry) {
			return
		}
		retry = min(2*retry, walkRetryMax)
	}
}

// page compares the conversations behind an id and returns the last id, empty where there is no further page.
func (w *walk) page(ctx context.Context, after string) (string, error) {
	marks, err := w.repo.Heads(ctx, after, chat.MaxBatch)
	if err != nil || len(marks) == 0 {
		return "", err
	}
	ids := make([]string, len(marks))
	for i, mark := range marks {
		ids[i] = mark.ConversationID
	}
	lasts, err := w.peers.Messages.Last(ctx, peer.LastRequest{ConversationIDs: ids})
	if err != nil {
		return "", err
	}
	for i, mark := range marks {
		if err := w.compare(ctx, mark, lasts.Items[i]); err != nil {
			return "", err
		}
	}
	if len(marks) < chat.MaxBatch {
		return "", nil
	}
	return ids[len(ids)-1], nil
}

func (w *walk) compare(ctx context.Context, mark HeadMark, last peer.Last) error {
	newest := last.Newest
	if newest == nil || newest.Seq < mark.Seq || newest.Seq == mark.Seq && newest.Rev <= mark.Rev {
		return nil
	}
	authors, err := w.authors(ctx, mark, newest)
	if err != nil {
		return err
	}
	_, err = w.raise(ctx, peer.RaiseHeadsRequest{Raises: []peer.Raise{{
		ConversationID: mark.ConversationID, FromSeq: mark.Seq + 1, Newest: peer.HeadOf(*newest), Authors: authors,
	}}})
	if err == nil {
		w.raised.Inc()
	}
	return err
}

// authors returns each author's last seq among the messages that the head lacks. Of a very long run it sees the newest alone: who wrote
// only before those keeps her read position, which shows her own messages as unread and nothing worse.
func (w *walk) authors(ctx context.Context, mark HeadMark, newest *chat.Message) (map[string]int64, error) {
	if newest.Seq == mark.Seq {
		return nil, nil
	}
	missing, err := w.peers.Messages.Newest(ctx, peer.NewestRequest{
		ConversationID: mark.ConversationID, AfterSeq: mark.Seq, Limit: chat.MaxBatch,
	})
	if err != nil {
		return nil, err
	}
	authors := map[string]int64{newest.AuthorID: newest.Seq}
	for _, m := range missing.Items {
		if m.Seq <= newest.Seq {
			authors[m.AuthorID] = max(authors[m.AuthorID], m.Seq)
		}
	}
	return authors, nil
}
