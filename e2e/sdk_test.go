package e2e_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/client"
)

func TestTwoClientsChat(t *testing.T) {
	ann, bob := signUp(t, underTest.url), signUp(t, underTest.url)
	started, err := ann.Start(t.Context(), client.Start{Type: client.Direct, MemberIDs: []string{bob.id}, Body: secret})
	if err != nil {
		t.Fatal(err)
	}
	talk := started.Conversation.ID
	hers, his := ann.listen(t), bob.listen(t)
	hers.enter(t, talk, 0)
	his.enter(t, talk, client.FromNow)
	for i := range 20 {
		from := []*listener{hers, his}[i%2]
		if _, err := from.Send(t.Context(), client.Draft{ConversationID: talk, Body: fmt.Sprint(secret, i)}); err != nil {
			t.Fatal(err)
		}
	}
	hers.reaches(t, talk, 1, 21)
	his.reaches(t, talk, 2, 21)
	last := his.events[talk][19]
	if last.Type != chat.MessageCreated || last.Message.Body != secret+"19" || last.Message.AuthorID != bob.id || last.Message.Seq != 21 {
		t.Fatalf("the last event is %+v of %+v", last, last.Message)
	}
	if _, err := bob.Edit(t.Context(), last.Message.ID, secret); err != nil {
		t.Fatal(err)
	}
	if _, err := bob.Delete(t.Context(), last.Message.ID); err != nil {
		t.Fatal(err)
	}
	hers.reaches(t, talk, 1, 23)
	if e := hers.events[talk]; e[21].Type != chat.MessageUpdated || e[22].Type != chat.MessageDeleted || e[22].Message.Body != "" {
		t.Fatalf("the last events are %+v", e[21:])
	}
	his.Typing(talk)
	heard(t, hers, func(e chat.TypingEvent) bool { return e.UserID == bob.id })
	if _, err := ann.MarkRead(t.Context(), talk, 21); err != nil {
		t.Fatal(err)
	}
	heard(t, his, func(e chat.ReadEvent) bool { return e.UserID == ann.id && e.Seq == 21 })
	heard(t, his, func(e chat.InboxEvent) bool { return e.ConversationID == talk })
	hers.Leave(talk)
	if _, err := his.Send(t.Context(), client.Draft{ConversationID: talk, Body: secret}); err != nil {
		t.Fatal(err)
	}
	his.reaches(t, talk, 2, 24)
	hers.reaches(t, talk, 1, 23)
}

// restart stops Confab and starts it again on the same data and port.
func (c *confab) restart(t *testing.T) {
	t.Helper()
	if err := c.stop(); err != nil {
		t.Fatal(err)
	}
	again, err := start(c.dir, "-http-addr", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	c.app, c.cancel, c.ended, c.registry = again.app, again.cancel, again.ended, again.registry
}

func TestClientsOutliveARestartAndLoseNothing(t *testing.T) {
	c := own(t)
	ann, bob := signUp(t, c.url), signUp(t, c.url)
	talk := ann.startGroup(t, bob)
	hers, his := ann.listen(t), bob.listen(t)
	hers.enter(t, talk, 0)
	his.enter(t, talk, 0)
	const each = 150
	var senders sync.WaitGroup
	for _, from := range []*listener{hers, his} {
		senders.Go(func() {
			for i := range each {
				if _, err := from.Send(t.Context(), client.Draft{ConversationID: talk, Body: fmt.Sprint(secret, " ", i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for n := range 2 {
		eventually(t, "messages come", func() bool { return len(his.revs(t, talk)) > 40*(n+1) })
		c.restart(t)
	}
	senders.Wait()
	hers.reaches(t, talk, 1, 2*each)
	his.reaches(t, talk, 1, 2*each)
	next := map[string]int{}
	for _, e := range hers.events[talk] {
		if want := fmt.Sprint(secret, " ", next[e.Message.AuthorID]); e.Message.Body != want {
			t.Fatalf("%q was stored, want %q", e.Message.Body, want)
		}
		next[e.Message.AuthorID]++
	}
	for name, l := range map[string]*listener{"ann": hers, "bob": his} {
		if s := l.Stats(); s.Reconnects < 1 || s.Duplicates != 0 || s.OutOfOrder != 0 {
			t.Errorf("%s counted %+v", name, s)
		}
	}
}

func TestAClientThatMissedTooMuchReadsTheFeed(t *testing.T) {
	ann, bob := signUp(t, underTest.url), signUp(t, underTest.url)
	talk := ann.startGroup(t, bob)
	const missed = 1100
	var senders sync.WaitGroup
	for n := range 10 {
		senders.Go(func() {
			for i := range missed / 10 {
				if _, err := ann.Send(t.Context(), client.Draft{ConversationID: talk, Body: fmt.Sprint(secret, n, i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	senders.Wait()
	his := bob.listen(t)
	his.enter(t, talk, 0)
	if _, err := his.Send(t.Context(), client.Draft{ConversationID: talk, Body: secret}); err != nil {
		t.Fatal(err)
	}
	his.reaches(t, talk, 1, missed+1)
	if s := his.Stats(); s.Resyncs != 1 || s.Duplicates != 0 || s.OutOfOrder != 0 {
		t.Fatalf("counted %+v", s)
	}
}

func TestAMemberWhoIsRemovedHearsNoMore(t *testing.T) {
	ann, bob := signUp(t, underTest.url), signUp(t, underTest.url)
	talk := ann.startGroup(t, bob)
	hers, his := ann.listen(t), bob.listen(t)
	hers.enter(t, talk, 0)
	his.enter(t, talk, 0)
	send := func(l *listener) error {
		_, err := l.Send(t.Context(), client.Draft{ConversationID: talk, Body: secret})
		return err
	}
	if err := send(hers); err != nil {
		t.Fatal(err)
	}
	if err := ann.RemoveMember(t.Context(), talk, bob.id); err != nil {
		t.Fatal(err)
	}
	heard(t, his, func(e chat.MemberEvent) bool { return e.Type == chat.MemberRemoved && e.UserID == bob.id })
	heard(t, hers, func(e chat.MemberEvent) bool { return e.Type == chat.MemberRemoved && e.UserID == bob.id })
	deadline := time.Now().Add(6 * time.Second) // her sends are refused within 5 s
	for err := send(his); !errors.Is(err, &client.Error{Code: "conversation_not_found"}); err = send(his) {
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("his sends end with %v", err)
		}
	}
	if err := send(hers); err != nil {
		t.Fatal(err)
	}
	last := hers.last(t, talk)
	his.reaches(t, talk, 1, 1)
	his.Join(talk, 1)
	heard(t, his, func(r client.Refused) bool { return errors.Is(r.Err, &client.Error{Code: "conversation_not_found"}) })
	if _, err := ann.AddMember(t.Context(), talk, bob.id); err != nil {
		t.Fatal(err)
	}
	heard(t, his, func(e chat.MemberEvent) bool { return e.Type == chat.MemberAdded && e.FromSeq == last })
	his.Join(talk, 1) // what was said meanwhile is not for him
	if err := send(hers); err != nil {
		t.Fatal(err)
	}
	eventually(t, "he hears her again", func() bool { return len(his.revs(t, talk)) == 2 })
	if got := his.revs(t, talk); got[1] != last+1 {
		t.Fatalf("he got %v, want the event %d behind what he missed", got, last+1)
	}
}

// last waits until a listener has everything, and returns the rev of the newest event.
func (l *listener) last(t *testing.T, conversationID string) int64 {
	t.Helper()
	var newest int64
	eventually(t, "all is there", func() bool {
		revs := l.revs(t, conversationID)
		settled := len(revs) > 0 && revs[len(revs)-1] == newest && int64(len(revs)) == newest
		newest = revs[len(revs)-1]
		return settled
	})
	return newest
}

func TestAnExpiredTokenIsRenewed(t *testing.T) {
	ann := signUp(t, underTest.url)
	good := ann.Tokens()
	for name, expiry := range map[string]time.Time{"an hour ago, as is known": time.Now().Add(-time.Hour), "as the server tells": {}} {
		t.Run(name, func(t *testing.T) {
			again := newClient(t, underTest.url, client.Tokens{Access: underTest.expired, Refresh: good.Refresh, ExpiresAt: expiry})
			his := again.listen(t)
			talk := ann.startGroup(t)
			if _, err := his.Send(t.Context(), client.Draft{ConversationID: talk, Body: secret}); err != nil {
				t.Fatal(err)
			}
			if me, err := again.Me(t.Context()); err != nil || me.ID != ann.id {
				t.Fatalf("got %+v, %v", me, err)
			}
			his.stop()
			good = again.Tokens()
		})
	}
}

func TestASessionThatEndsEndsRun(t *testing.T) {
	ann := signUp(t, underTest.url)
	hers := ann.listen(t)
	hers.enter(t, ann.startGroup(t), 0)
	if err := ann.Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-hers.ended:
		if ended, ok := errors.AsType[*client.Error](err); !ok || ended.Code != "session_ended" || ended.Status != 4501 {
			t.Fatalf("Run returned %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Run goes on")
	}
}
