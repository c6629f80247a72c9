package conversation

import (
	"context"
	"encoding/base64"
	"math"
	"strconv"
	"strings"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/check"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/id"
	"github.com/confab-chat/confab/pkg/identity"
)

// top lies before every conversation of an inbox.
var top = Position{At: chat.FromMillis(math.MaxInt32 * 1000 * 1000)}

// List goes by place, not by number: a conversation that moves to the top meanwhile shifts no other one over a page's edge.
func (s *service) List(ctx context.Context, r ListRequest) (Inbox, error) {
	limit, err := check.Limit(r.Limit)
	if err != nil {
		return Inbox{}, err
	}
	behind, err := parseCursor(r.Cursor)
	if err != nil {
		return Inbox{}, err
	}
	me := identity.UserID(ctx)
	entries, err := s.repo.Page(ctx, me, behind, limit+1)
	if err != nil {
		return Inbox{}, err
	}
	page := Inbox{Items: []View{}}
	if len(entries) > limit {
		entries = entries[:limit]
		next := cursorOf(&entries[limit-1])
		page.HasMore, page.Next = true, &next
	}
	for _, entry := range entries {
		if !entry.cleared() {
			page.Items = append(page.Items, entry.view(me))
		}
	}
	return page, nil
}

func cursorOf(e *Entry) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(e.LastActivity.UnixMilli(), 10) + ":" + e.ID))
}

func parseCursor(cursor string) (Position, error) {
	if cursor == "" {
		return top, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	at, conversationID, _ := strings.Cut(string(text), ":")
	ms, atErr := strconv.ParseInt(at, 10, 64)
	if err != nil || atErr != nil || ms < 0 || ms > top.At.UnixMilli() || !id.Valid(conversationID) {
		return Position{}, fault.BadField("cursor", "The cursor is none that a page gave.")
	}
	return Position{At: chat.FromMillis(ms), ID: conversationID}, nil
}
