package conversation

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/httpkit"
)

func FuzzCursor(f *testing.F) {
	e := Entry{Conversation: NewGroup("ann", "title", "")}
	for _, seed := range []string{"", "x", cursorOf(&e), "LTE6YQ"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		p, err := parseCursor(cursor)
		if err != nil || cursor == "" {
			return
		}
		again, err := parseCursor(cursorOf(&Entry{Conversation: Conversation{ID: p.ID, LastActivity: p.At}}))
		if err != nil || again != p {
			t.Errorf("%q is %+v, and again %+v, %v", cursor, p, again, err)
		}
	})
}

func FuzzStart(f *testing.F) {
	for _, seed := range []string{
		`{"type":"direct","member_ids":["bob"],"message":{"body":"hi","client_msg_id":"1"}}`,
		`{"type":"group","title":"team","client_id":"g1","member_ids":["bob","bob","cid"],"message":{"body":"hi"}}`,
		`{"type":"direct","member_ids":["ann"]}`, `{"type":{"$gt":""},"member_ids":[null]}`, `{"type":"group","title":"\u0000","member_ids":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s := &service{maxMembers: 4}
		var r StartRequest
		if httpkit.StrictJSON(body, &r) != nil || s.checkStart("ann", &r) != nil {
			return
		}
		switch {
		case r.Type == TypeDirect && len(r.MemberIDs) != 1, r.Type == TypeGroup && (len(r.MemberIDs) > 3 || strings.TrimSpace(r.Title) == ""),
			r.Type != TypeDirect && r.Type != TypeGroup, slices.Contains(r.MemberIDs, "ann"), slices.Contains(r.MemberIDs, ""):
			t.Errorf("%s was let in as %+v", body, r)
		case r.Message != nil && (len(r.Message.Body) > chat.MaxBody || !utf8.ValidString(r.Message.Body)):
			t.Errorf("%s was let in with the message %q", body, r.Message.Body)
		}
	})
}
