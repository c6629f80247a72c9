package checker

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

func created(n int64, body string) chat.Message {
	return chat.Message{ID: fmt.Sprint("m", n), ConversationID: "c", Seq: n, Rev: n, AuthorID: "ann", ClientMsgID: fmt.Sprint("k", n), Body: body}
}

// whole is three messages, the first of which is edited and the second deleted, as two readers saw them and as their writer was told.
func whole() (*Promises, []History) {
	var p Promises
	var events []chat.Event
	happen := func(event string, m chat.Message) {
		events = append(events, chat.Event{Type: event, ConversationID: "c", Rev: m.Rev, Message: &m})
	}
	for n := int64(1); n <= 3; n++ {
		m := created(n, "one")
		p.Creating(m.ClientMsgID)
		p.Created(m)
		happen(chat.MessageCreated, m)
	}
	edited := created(1, "two")
	edited.Rev = 4
	p.Updating(edited.ID, edited.Body)
	p.Updated(edited)
	happen(chat.MessageUpdated, edited)
	deleted := created(2, "")
	deleted.Rev, deleted.DeletedAt = 5, &chat.Time{}
	p.Deleting(deleted.ID)
	p.Deleted(deleted)
	happen(chat.MessageDeleted, deleted)
	histories := []History{{ConversationID: "c"}, {ConversationID: "c"}}
	for i := range histories {
		for _, e := range events {
			m := *e.Message
			e.Message = &m
			histories[i].See(e)
		}
	}
	return &p, histories
}

func TestVerdictsOnHistories(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(h *History)
		want  Verdict
	}{
		"a whole one": {func(*History) {}, Verdict{}},
		"a message in the middle is missing": {func(h *History) { h.sights = slices.Delete(h.sights, 1, 2) },
			Verdict{Lost: Count{0, 2}}}, // the hole and the promise
		"a change in the middle is missing": {func(h *History) { h.sights = slices.Delete(h.sights, 3, 4) },
			Verdict{Lost: Count{0, 2}, Stale: 1}},
		"the last one is missing":     {func(h *History) { h.sights = h.sights[:4] }, Verdict{Lost: Count{0, 1}, Stale: 1}},
		"one comes twice":             {func(h *History) { h.sights = append(h.sights, h.sights[1]) }, Verdict{Doubled: Count{0, 1}}},
		"a message is stored twice":   {func(h *History) { h.add(chat.MessageCreated, 6, created(4, "one"), "k3") }, Verdict{Doubled: Count{0, 1}}},
		"an edit is stored twice":     {func(h *History) { h.add(chat.MessageUpdated, 6, created(1, "two"), "k1") }, Verdict{Doubled: Count{0, 1}}},
		"two change places":           {func(h *History) { h.sights[0], h.sights[1] = h.sights[1], h.sights[0] }, Verdict{Reordered: Count{0, 1}}},
		"one is of another message":   {func(h *History) { h.sights[2].Message.ID = "m9" }, Verdict{Differing: 1, Lost: Count{0, 1}}},
		"one was never sent":          {func(h *History) { h.sights[2].Message.ClientMsgID = "k9" }, Verdict{Invented: 1}},
		"an edit was never made":      {func(h *History) { h.sights[3].Message.Body = "three" }, Verdict{Invented: 1, Stale: 1}},
		"one came before it was sent": {func(h *History) { h.sights[2].at = time.Now().Add(-time.Hour) }, Verdict{Invented: 1}},
		"a seq is left out":           {func(h *History) { h.sights[2].Message.Seq = 4 }, Verdict{Sparse: 1}},
		"one shows a later state, as after a resume": {func(h *History) {
			h.sights[0].Message.Body, h.sights[0].Message.Rev = "two", 4
		}, Verdict{}},
		"an edit is shown as another kind of change": {func(h *History) { h.sights[3].Type = chat.MessageDeleted },
			Verdict{Lost: Count{0, 1}, Invented: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			promises, histories := whole()
			test.spoil(&histories[1])
			var got Verdict
			got.Judge(promises, histories)
			test.want.Acknowledged, test.want.Deliveries = 5, int64(histories[0].Len()+histories[1].Len())
			if len(got.Problems) == 0 != got.OK() {
				t.Errorf("problems %q, OK %t", got.Problems, got.OK())
			}
			problems := got.Problems
			got.Problems, got.Slowest = nil, 0
			if fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("the verdict is %+v, want %+v; %q", got, test.want, problems)
			}
		})
	}
}

// add adds an event of a message that has that rev and key.
func (h *History) add(event string, rev int64, m chat.Message, clientMsgID string) {
	m.Rev, m.ClientMsgID = rev, clientMsgID
	h.See(chat.Event{Type: event, ConversationID: "c", Rev: rev, Message: &m})
}

func TestTheSlowestDeliveryCountsFromTheAcknowledgement(t *testing.T) {
	promises, histories := whole()
	histories[1].sights[2].at = promises.kept["c"][2].at.Add(time.Minute)
	var v Verdict
	v.Judge(promises, histories)
	if v.Slowest != time.Minute {
		t.Errorf("the slowest is %v", v.Slowest)
	}
}

func TestAConversationThatNobodyReadIsLost(t *testing.T) {
	promises, histories := whole()
	unread := created(1, "one")
	unread.ConversationID = "d"
	promises.Created(unread)
	var v Verdict
	v.Judge(promises, histories)
	if v.Lost != (Count{0, 1}) || v.OK() {
		t.Errorf("the verdict is %+v", v)
	}
}

func TestThatAPatientReaderIsLateIsNoNews(t *testing.T) {
	promises, histories := whole()
	histories[1].sights[2].at = promises.kept["c"][2].at.Add(time.Minute)
	histories[1].Patient = true
	var v Verdict
	v.Judge(promises, histories)
	if v.Slowest >= time.Minute {
		t.Errorf("the slowest is %v", v.Slowest)
	}
}

func TestAnInboxCountsWhatCameAfterOnesOwnLastMessage(t *testing.T) {
	p, _ := whole()
	other := created(4, "one")
	other.AuthorID = "bob"
	p.Created(other)
	for userID, want := range map[string]int64{"ann": 1, "bob": 0, "cid": 4} {
		if last, unread := p.Inbox("c", userID); last != 4 || unread != want {
			t.Errorf("%s has %d unread up to %d, want %d", userID, unread, last, want)
		}
	}
}
