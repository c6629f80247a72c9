package realtime

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

func TestASocketIOClientWhoseTokenExpiresIsClosedSoThatItComesBack(t *testing.T) {
	overSocketIO(t, Config{}, func(t *testing.T, s *scene, w way) {
		c := s.come(t, w, s.issuer.Token(t, "ada", 5*time.Second))
		c.want("40")
		time.Sleep(4 * time.Second)
		c.want()
		time.Sleep(2 * time.Second)
		c.wantEnd() // without the packet after which no client comes back
	})
}

func TestASocketIOClientRenewsItsToken(t *testing.T) {
	overSocketIO(t, Config{}, func(t *testing.T, s *scene, w way) {
		auth := func(token string) string { return fmt.Sprintf(`["auth",{"token":%q}]`, token) }
		c := s.come(t, w, s.issuer.Token(t, "ada", 5*time.Second))
		c.want("40")
		c.ask(auth("wrong"), `[{"error":{"code":"token_refused"`)
		c.ask(auth(s.issuer.Token(t, "bob", time.Hour)), `[{"error":{"code":"other_user"`)
		c.ask(auth(s.issuer.Token(t, "ada", 15*time.Second)), `[{"session":{"user_id":"ada","expires_at":"`)
		time.Sleep(14 * time.Second)
		c.ask(`["join",{"conversation":"c"}]`, `[{"joined":{"conversation_id":"c"`)
		time.Sleep(2 * time.Second)
		c.wantEnd()
	})
}

func TestALoggedOutSocketIOClientIsDisconnectedForGood(t *testing.T) {
	const heardWithin = 7 * time.Second // sessions that have ended are asked for each 5 s
	tests := []struct {
		name  string
		end   func(s *scene)
		after time.Duration
	}{
		{"the session's end is told", func(s *scene) {
			s.publish(chat.UserChannel("ada"), chat.SessionEvent{Type: chat.SessionEnded, SessionID: "sid-ada", UserID: "ada"})
		}, 0},
		{"it is found", func(s *scene) { s.issuer.Revoke("ada") }, heardWithin},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			overSocketIO(t, Config{}, func(t *testing.T, s *scene, w way) {
				ada, bob := s.enter(t, w, "ada"), s.enter(t, w, "bob")
				s.publish(chat.UserChannel("ada"), chat.SessionEvent{Type: chat.SessionEnded, SessionID: "another", UserID: "ada"})
				ada.want()
				tt.end(s)
				time.Sleep(tt.after)
				ada.wantEnd("41")
				bob.want()
			})
		})
	}
}

func TestASocketIOClientWithoutATokenIsToldSoAndMayBringOne(t *testing.T) {
	overSocketIO(t, Config{}, func(t *testing.T, s *scene, w way) {
		c, wait := s.come(t, w, ""), authWait
		c.want(w.refusal("no_token"))
		if w.revision == 3 {
			wait = refusedWait
		}
		time.Sleep(wait - time.Second)
		c.want()
		late := s.come(t, w, "")
		late.want(w.refusal("no_token"))
		late.say(fmt.Sprintf(`40{"token":%q}`, s.issuer.Token(t, "ada", time.Hour)))
		late.want("40")
		time.Sleep(2 * time.Second)
		c.wantEnd()
		time.Sleep(authWait)
		late.want()
	})
}

const refreshPacket = `42["refresh messages","c"]`

func TestWithTokenlessRefreshAStrangerHearsThatThereIsSomethingNewAndNotWhat(t *testing.T) {
	overSocketIO(t, Config{TokenlessRefresh: true}, func(t *testing.T, s *scene, w way) {
		s.create("d", "ada")
		c := s.come(t, w, "")
		c.want("40")
		s.say("c", "ada", 1)
		c.want()                                    // it has not entered yet
		c.ask(`["enter conversation","c"]`, `[{}]`) // and not how much was said there
		time.Sleep(2 * authWait)
		c.want()
		said := s.store("c", "ada", "hello")
		s.announce(said)
		c.want(refreshPacket)
		s.announce(s.edit(said, "hello again"))
		c.want(refreshPacket)
		s.say("d", "ada", 1)
		s.publish(chat.ConversationChannel("c"), chat.TypingEvent{Type: chat.Typing, ConversationID: "c", UserID: "ada"})
		s.publish(chat.ConversationChannel("c"), chat.ReadEvent{Type: chat.Read, ConversationID: "c", UserID: "ada", Seq: 1})
		s.publish(chat.UserChannel("ada"), chat.InboxEvent{Type: chat.Inbox, ConversationID: "c", Seq: 1, Rev: 1})
		s.publishMember(s.member(chat.MemberAdded, "c", "eve", 0))
		c.want()
		c.say(`42["leave conversation","c"]`)
		synctest.Wait()
		s.say("c", "ada", 1)
		c.want()
	})
}

func TestWithTokenlessRefreshAStrangerMayDoNothingElse(t *testing.T) {
	overSocketIO(t, Config{TokenlessRefresh: true}, func(t *testing.T, s *scene, w way) {
		s.come(t, w, "wrong").want(w.refusal("token_refused"))
		c := s.come(t, w, "")
		c.want("40")
		c.say(`42["enter conversation","c"]`)
		for _, command := range []string{
			`["join",{"conversation":"c"}]`, `["join",{"conversation":"c","rev":0}]`, `["leave",{"conversation":"c"}]`, `["ping"]`,
			`["send",{"conversation":"c","body":"hi","client_msg_id":"one"}]`, `["read",{"conversation":"c","seq":0}]`, `["typing",{"conversation":"c"}]`,
		} {
			c.ask(command, `[{"error":{"code":"unauthenticated"`)
		}
		c.ask(`["new message","c"]`, `[{}]`) // which has no effect
		if len(s.sentBy) > 0 {
			t.Errorf("%v was sent", s.sentBy)
		}
	})
}
