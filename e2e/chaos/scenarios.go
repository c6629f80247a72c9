package chaos

import (
	"time"

	"github.com/confab-chat/confab/e2e/split"
	"github.com/confab-chat/confab/pkg/peer"
)

// crowd is 400 sockets that get 4,000 events a second.
var crowd = Load{Rooms: 2, Readers: 400, Writers: 10, Every: time.Second}

// busy is more than MongoDB's stand-in bears one by one: it takes them in batches.
var busy = Load{Rooms: 2, Readers: 80, Writers: 16, Every: 500 * time.Millisecond}

// light is what MongoDB's stand-in bears without a queue in front of it, so that the time of a send is that of our code.
var light = Load{Rooms: 4, Readers: 400, Writers: 2, Every: 2 * time.Second}

// plenty is how many changes a row of the table is of.
const plenty = 1000

var (
	toRedis        = Way{peer.RealtimeService, split.Redis}
	toMongo        = Way{peer.MessageService, split.Mongo}
	toMemberships  = Way{peer.MessageService, peer.ConversationService}
	fromTheGateway = Way{peer.RealtimeService, peer.MessageService}
)

// Scenarios are all there are, in the order in which they run.
var Scenarios = []Scenario{
	{Name: "realtime-svc: SIGTERM", Load: crowd, Changes: plenty, Fault: terminateGateway},
	{Name: "realtime-svc: kill -9", Load: crowd, Changes: plenty, Fault: killGateway},
	{Name: "auth-svc: kill -9", Load: busy, Changes: plenty, Fault: kill(peer.AuthService)},
	{Name: "conversation-svc: kill -9", Load: busy, Changes: plenty, Fault: kill(peer.ConversationService)},
	{Name: "message-svc: kill -9", Load: busy, Changes: plenty, Fault: kill(peer.MessageService)},
	{Name: "a rolling update: SIGTERM to each replica", Load: busy, Changes: plenty, Fault: roll},
	{Name: "two message-svc, one conversation, 64 writers", Load: Load{Rooms: 1, Readers: 40, Writers: 64}, Changes: plenty, Fault: bothReplicas,
		Flags: map[string][]string{peer.MessageService: {"-send-rate", "0"}}},
	{Name: "Redis: killed, back empty after 2 s", Load: busy, Changes: plenty, Fault: restartRedis},
	{Name: "Redis: stopped for 20 s", Load: busy, Changes: plenty, Fault: stopRedis},
	{Name: "Redis: CLIENT KILL TYPE pubsub every second", Load: busy, Changes: plenty, Fault: killSubscriptions},
	{Name: "Redis: every 7th event lost", Load: busy, Changes: plenty, Proxied: []Way{toRedis}, Lose: 7, Fault: losing},
	{Name: "a partition: one gateway and Redis, 20 s", Load: busy, Changes: plenty, Proxied: []Way{toRedis}, Fault: freeze(toRedis)},
	{Name: "a partition: one gateway and message-svc, 20 s", Load: busy, Changes: plenty, Proxied: []Way{fromTheGateway}, Fault: freeze(fromTheGateway)},
	{Name: "a partition: one message-svc and conversation-svc, 20 s", Load: busy, Changes: plenty, Proxied: []Way{toMemberships}, Fault: freeze(toMemberships)},
	{Name: "a partition: one message-svc and its database, 20 s", Load: busy, Changes: plenty, Proxied: []Way{toMongo}, Fault: freeze(toMongo)},
	{Name: "the database: away for 30 s", Load: busy, Changes: plenty, Fault: stopMongo},
	{Name: "nothing, light load", Load: light, Fault: nothing},
	{Name: "Redis: killed, back empty after 2 s, light load", Load: light, Fault: restartRedis},
	{Name: "Redis: stopped for 20 s, light load", Load: light, Fault: stopRedis},
}
