package client_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

// member tells the user of herself.
func (s *socket) member(kind, conversation string, version int) {
	s.say(`{"type":%q,"conversation_id":%q,"user_id":"me","members_version":%d}`, kind, conversation, version)
}

func TestALateRemovalHasTheSocketJoinAgain(t *testing.T) {
	for name, additions := range map[string]func(ws *socket, join func()){
		"where the addition came behind the join": func(ws *socket, join func()) {
			join()
			ws.member("member.added", "c1", 6)
		},
		"where the addition came before the join": func(ws *socket, join func()) {
			ws.member("member.added", "c1", 6)
			synctest.Wait()
			join()
		},
		"behind a late addition": func(ws *socket, join func()) {
			join()
			ws.member("member.added", "c1", 6)
			ws.member("member.added", "c1", 3)
		},
		"behind additions to many others": func(ws *socket, join func()) {
			join()
			for n := range 1000 {
				ws.member("member.added", fmt.Sprint("other", n), 1)
			}
			ws.member("member.added", "c1", 6)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t)
				r := run(t, s.newClient(), nil)
				ws, _ := s.accept()
				ws.enter()
				additions(ws, func() {
					r.Join("c1", 0)
					ws.joins(2, 1, 2)
				})
				synctest.Wait()
				ws.member("member.removed", "c1", 5)
				if cmd := ws.joins(3, 3); *cmd.Rev != 2 {
					t.Fatalf("joined again from %d", *cmd.Rev)
				}
				ws.events("c1", 4)
				ws.member("member.removed", "c1", 6) // a group's end bears the version of its last change
				ws.events("c1", 5)
				requireRevs(t, r, revs(1, 4))
				told := slices.DeleteFunc(all[chat.MemberEvent](r), func(e chat.MemberEvent) bool { return e.Type == chat.MemberAdded })
				if len(told) != 1 || told[0].Version != 6 {
					t.Fatalf("told of the removals %+v", told)
				}
				ws.quiet(time.Second)
			})
		})
	}
}

func TestALateRemovalWhileTheFeedIsReadHasTheSocketJoinBehindIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		s.on("GET /v1/messages", inTurn(answer(503, `{"code":"busy"}`, "Retry-After", "1"), feed("c1", func() int64 { return 9 }, 200)))
		r := run(t, s.newClient(), nil)
		r.Join("c1", 0)
		ws, _ := s.accept()
		ws.enter()
		ws.joins(0)
		ws.member("member.added", "c1", 6)
		ws.say(`{"type":"resync","conversation_id":"c1","rev":9,"live":true}`)
		ws.member("member.removed", "c1", 5)
		if cmd := ws.joins(10, 10); *cmd.Rev != 9 {
			t.Fatalf("joined from %d, want the end of the feed", *cmd.Rev)
		}
		requireRevs(t, r, revs(1, 10))
	})
}
