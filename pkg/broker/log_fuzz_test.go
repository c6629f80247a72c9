package broker_test

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/confab-chat/confab/pkg/chat"
)

// scripted answers every command with a list.
type scripted []any

func (scripted) DialHook(next redis.DialHook) redis.DialHook { return next }

func (scripted) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (s scripted) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, c redis.Cmder) error {
		c.(*redis.Cmd).SetVal([]any(s))
		return nil
	}
}

// A log with an entry that cannot be read is an error, and no event is made of it that is not there.
func FuzzRedisLog(f *testing.F) {
	for _, seed := range [][2]string{
		{"7 message.created m1", `7 {"id":"m1","seq":3,"rev":7,"body":"hi"}`}, {"7 message.created m1", `7 null`}, {"7", "7 {}"}, {"", ""},
		{"-1 x y", `x {"rev":"1"}`}, {"99999999999999999999 message.updated m1", "{}"}, {"1 a b c", " {}{}"}, {"0x1f message.created m", "1 []"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, entry, message string) {
		client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}) // nobody dials it
		defer client.Close()
		client.AddHook(scripted{entry, message, "8 message.deleted m8", `8 {"id":"m8","rev":8}`})
		events, err := newRedis(client).Log(t.Context(), "c", 6)
		if err != nil {
			if len(events) != 0 {
				t.Fatalf("%v, and %d events", err, len(events))
			}
			return
		}
		if len(events) != 2 || events[1].Rev != 8 || events[1].Type != chat.MessageDeleted || events[1].Message.ID != "m8" {
			t.Fatalf("%q and %q make %+v", entry, message, events)
		}
		var want chat.Message
		_, text, _ := strings.Cut(message, " ")
		if err := json.Unmarshal([]byte(text), &want); err != nil || !reflect.DeepEqual(*events[0].Message, want) {
			t.Fatalf("%q is read as %+v", message, events[0].Message)
		}
		if e := events[0]; e.ConversationID != "c" || e.Type == "" {
			t.Fatalf("%q is read as %+v", entry, e)
		}
	})
}
