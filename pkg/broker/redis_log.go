package broker

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/confab-chat/confab/pkg/chat"
)

// announce adds an event to its conversation's log and publishes it. The log is a sorted set of "rev type message-id" by rev, and
// a hash that holds each message once, in its newest state ("m:id" is "rev json"), with the number of events that refer to it
// ("r:id") and the bytes of all. So a change replaces the message in its older events by itself.
//
//	KEYS  log, messages, channel
//	ARGV  rev, type, message id, message rev, message JSON, event JSON, LogEntries, LogBytes, LogAge in ms, PUBLISH or SPUBLISH
//
// On a cluster all KEYS are in the conversation's slot. While that slot moves to another node, Redis answers TRYAGAIN, since the
// channel is no key that exists: the event is announced once the slot has arrived, where its subscribers then are.
var announce = redis.NewScript(`
local log, messages, id = KEYS[1], KEYS[2], ARGV[3]
local held = redis.call('HGET', messages, 'm:' .. id)
if not held or tonumber(string.match(held, '^%d+')) < tonumber(ARGV[4]) then
  local new = ARGV[4] .. ' ' .. ARGV[5]
  redis.call('HSET', messages, 'm:' .. id, new)
  redis.call('HINCRBY', messages, 'bytes', #new - (held and #held or 0))
end
if redis.call('ZADD', log, ARGV[1], ARGV[1] .. ' ' .. ARGV[2] .. ' ' .. id) == 1 then
  redis.call('HINCRBY', messages, 'r:' .. id, 1)
end
while redis.call('ZCARD', log) > tonumber(ARGV[7])
   or tonumber(redis.call('HGET', messages, 'bytes') or 0) > tonumber(ARGV[8]) do
  local oldest = redis.call('ZPOPMIN', log)[1]
  if not oldest then break end
  local gone = string.match(oldest, '(%S+)$')
  if redis.call('HINCRBY', messages, 'r:' .. gone, -1) <= 0 then
    local last = redis.call('HGET', messages, 'm:' .. gone)
    redis.call('HINCRBY', messages, 'bytes', last and -#last or 0)
    redis.call('HDEL', messages, 'm:' .. gone, 'r:' .. gone)
  end
end
redis.call('PEXPIRE', log, ARGV[9])
redis.call('PEXPIRE', messages, ARGV[9])
return redis.call(ARGV[10], KEYS[3], ARGV[6])`)

// readLog answers the events above ARGV[1] in order, each as "rev type message-id" and "message-rev json".
var readLog = redis.NewScript(`
local out = {}
for _, entry in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf')) do
  local message = redis.call('HGET', KEYS[2], 'm:' .. string.match(entry, '(%S+)$'))
  if message then
    out[#out + 1] = entry
    out[#out + 1] = message
  end
end
return out`)

func logKeys(conversationID string) []string {
	log := "confab:log:{" + conversationID + "}"
	return []string{log, log + ":messages", chat.ConversationChannel(conversationID)}
}

// Announce runs one script: the log and the publish. It returns Redis's error.
func (r *Redis) Announce(ctx context.Context, e chat.Event) error {
	message, err := json.Marshal(e.Message)
	if err != nil {
		return err
	}
	event, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return announce.Run(ctx, r.client, logKeys(e.ConversationID), e.Rev, e.Type, e.Message.ID, e.Message.Rev,
		message, event, LogEntries, LogBytes, LogAge.Milliseconds(), r.verbs.publish).Err()
}

// Log returns what the log holds above after. It returns Redis's error, and one where an entry cannot be read.
func (r *Redis) Log(ctx context.Context, conversationID string, after int64) ([]chat.Event, error) {
	answer, err := readLog.Run(ctx, r.client, logKeys(conversationID)[:2], strconv.FormatInt(after, 10)).StringSlice()
	if err != nil {
		return nil, err
	}
	events := make([]chat.Event, 0, len(answer)/2)
	for i := 0; i+1 < len(answer); i += 2 {
		e := chat.Event{ConversationID: conversationID, Message: &chat.Message{}}
		if _, err := fmt.Sscan(answer[i], &e.Rev, &e.Type); err != nil {
			return nil, fmt.Errorf("log of %s: entry %q: %w", conversationID, answer[i], err)
		}
		_, message, _ := strings.Cut(answer[i+1], " ")
		if err := json.Unmarshal([]byte(message), e.Message); err != nil {
			return nil, fmt.Errorf("log of %s: event %d: %w", conversationID, e.Rev, err)
		}
		events = append(events, e)
	}
	return events, nil
}
