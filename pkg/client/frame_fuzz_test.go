package client

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// Whatever a server says, what is decoded may be handed over: an event has its message, and times are bounded.
func FuzzDecodeFrame(f *testing.F) {
	for _, seed := range []string{
		`{"type":"reply","id":1,"joined":{"conversation_id":"c1","rev":58}}`,
		`{"type":"reply","id":2,"message":{"id":"m","conversation_id":"c1","seq":1,"rev":1,"created_at":"2026-05-06T07:08:09.123Z"}}`,
		`{"type":"reply","id":3,"session":{"user_id":"u","expires_at":"2026-05-06T07:08:09.123Z"}}`,
		`{"type":"error","id":4,"code":"rate_limited","detail":"No.","retry_after_ms":-1}`,
		`{"type":"message.created","conversation_id":"c1","rev":2,"message":{"conversation_id":"c1","rev":2}}`,
		`{"type":"message.created","conversation_id":"c1","rev":0,"message":{"conversation_id":"c2"}}`,
		`{"type":"resync","conversation_id":"c1","rev":9,"live":false}`,
		`{"type":"reconnect","after_ms":9223372036854775807}`,
		`{"type":"member.removed","user_id":"u"}`, `[]`, `null`, `{}`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := decode(data)
		if err != nil {
			return
		}
		if frame.Type == "" {
			t.Fatal("a frame without a type was taken")
		}
		if slices.Contains([]string{"message.created", "message.updated", "message.deleted"}, frame.Type) {
			if frame.Message == nil || frame.Rev < 1 || frame.ConversationID == "" || frame.Message.ConversationID != frame.ConversationID {
				t.Fatalf("taken: %+v", frame)
			}
		}
		if frame.AfterMS < 0 || frame.AfterMS > maxMillis {
			t.Fatalf("after_ms is %d", frame.AfterMS)
		}
		refusal := frame.refusal()
		if (refusal != nil) != (frame.Type == typeError) {
			t.Fatalf("%q refuses: %v", frame.Type, refusal)
		}
		if refused, ok := errors.AsType[*Error](refusal); ok && (refused.RetryAfter < 0 || refused.RetryAfter > 24*time.Hour) {
			t.Fatalf("to be tried again after %v", refused.RetryAfter)
		}
	})
}
