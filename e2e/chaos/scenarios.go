package chaos

import (
	"time"

	"github.com/confab-chat/confab/e2e/split"
	"github.com/confab-chat/confab/pkg/guard"
	"github.com/confab-chat/confab/pkg/peer"
)

// crowd is 200 sockets that get 4,000 events a second.
var crowd = Load{Rooms: 2, Readers: 200, Writers: 20, Every: time.Second}

// busy is more than MongoDB's stand-in bears one by one: it takes them in batches, which are large where all is in one conversation.
var busy = Load{Rooms: 1, Readers: 40, Writers: 64}

// steady is as many writers, who are not through before a long fault is.
var steady = Load{Rooms: 1, Readers: 40, Writers: 64, Every: time.Second}

// foundOut is when a silent Redis is found out at the latest, and all fetched that it did not tell.
const foundOut = 12 * time.Second

const (
	plenty = 2000 // changes are written in a row of the table
	few    = 1000 // where a guard is off: its want shows by then
)

var (
	toRedis        = Way{peer.RealtimeService, split.Redis}
	toMongo        = Way{peer.MessageService, split.Mongo}
	toMemberships  = Way{peer.MessageService, peer.ConversationService}
	fromTheGateway = Way{peer.RealtimeService, peer.MessageService}
)

// The names of those that are run again without a guard.
const (
	killedGateway = "realtime-svc: kill -9"
	manyWriters   = "two message-svc, one conversation, 64 writers"
	silentRedis   = "Redis: stopped for 20 s"
	deafGateways  = "Redis: every event lost"
	lostHeads     = "message-svc: kill -9 before the inbox has heard"
	reconnecting  = "a storm: kill -9 of both gateways, 5,000 sockets"
)

// Scenarios are all there are, in the order in which they run.
var Scenarios = []Scenario{
	{Name: "realtime-svc: SIGTERM", Load: crowd, Changes: plenty, Fault: terminateGateway},
	{Name: killedGateway, Load: crowd, Changes: plenty, Within: 2 * time.Second, Fault: killGateway},
	{Name: "auth-svc: kill -9", Load: busy, Changes: plenty, Fault: killAuth},
	{Name: "conversation-svc: kill -9", Load: busy, Changes: plenty, Fault: kill(peer.ConversationService)},
	{Name: "message-svc: kill -9", Load: busy, Changes: plenty, Fault: kill(peer.MessageService)},
	{Name: lostHeads, Load: Load{Rooms: 1, Readers: 40, Writers: 64, Quiet: 8}, Changes: plenty, Proxied: []Way{toMemberships},
		Flags: map[string][]string{peer.ConversationService: {"-walk-every", "15s"}}, Fault: loseHead},
	{Name: "a rolling update: SIGTERM to each replica", Load: steady, Changes: plenty, Fault: roll},
	{Name: manyWriters, Load: busy, Changes: plenty, Fault: bothReplicas},
	{Name: "Redis: killed, back empty after 2 s", Load: busy, Changes: plenty, Fault: restartRedis},
	{Name: silentRedis, Load: busy, Changes: plenty, Within: foundOut, Fault: stopRedis},
	{Name: "Redis: CLIENT KILL TYPE pubsub every second", Load: busy, Changes: plenty, Fault: killSubscriptions},
	{Name: "Redis: every 7th event lost", Load: busy, Changes: plenty, Proxied: []Way{toRedis}, Lose: 7, Fault: losing},
	{Name: deafGateways, Load: busy, Changes: plenty, Proxied: []Way{toRedis}, Lose: 1, Within: 35 * time.Second, Fault: losing},
	{Name: "a partition: one gateway and Redis, 20 s", Load: busy, Changes: plenty, Proxied: []Way{toRedis}, Within: foundOut,
		Fault: freeze(toRedis, isAway)},
	{Name: "a partition: one gateway and message-svc, 20 s", Load: busy, Changes: plenty, Proxied: []Way{fromTheGateway},
		Fault: freeze(fromTheGateway, isAway)},
	{Name: "a partition: one message-svc and conversation-svc, 20 s", Load: steady, Changes: plenty, Proxied: []Way{toMemberships},
		Fault: freeze(toMemberships, isAway)},
	{Name: "a partition: one message-svc and its database, 20 s", Load: steady, Changes: plenty, Proxied: []Way{toMongo},
		Fault: freeze(toMongo, isAway)},
	{Name: "the database: away for 30 s", Load: busy, Changes: plenty, Fault: stopMongo},
	{Name: "a clock: one message-svc 15 min fast, then 15 min slow", Load: steady, Changes: plenty, Kind: split.Chaotic, Fault: moveClock},
	{Name: "slow sockets beside fast ones", Load: Load{Rooms: 1, Readers: 60, Writers: 24, Every: time.Second, Body: 1200, Slow: 4, Stuck: 4},
		Changes: plenty, Within: 2 * time.Second, Fault: slowSockets},
	{Name: reconnecting, Load: Load{Rooms: 2, Readers: 80, Writers: 24, Every: time.Second, Quiet: 23, Crowd: 4920}, Changes: plenty, Fault: storm},
	{Name: "all of it mixed", Load: Load{Rooms: 2, Readers: 80, Writers: 24, Every: time.Second, Slow: 2, Stuck: 2}, Changes: plenty,
		Proxied: []Way{toRedis, toMongo, toMemberships, fromTheGateway}, Lose: 20, Kind: split.Chaotic, Fault: mixed},
}

// guarded names the scenario that fails without a guard, and how.
var guarded = []struct {
	guard    guard.Guard
	scenario string
	symptom  func(*Report) bool
	crowd    int // at most
}{
	{guard.Sequencer, manyWriters, func(r *Report) bool { return r.Reordered.Raw > 0 }, 0},
	{guard.Log, reconnecting, func(r *Report) bool { return r.Replayed > 500 }, 1000},
	{guard.PositionCheck, deafGateways, func(r *Report) bool { return r.Lost.Client > 0 }, 0},
	{guard.Probe, silentRedis, func(r *Report) bool { return r.Slowest > foundOut }, 0},
	{guard.Resume, killedGateway, func(r *Report) bool { return r.Lost.Raw > 0 }, 0},
	{guard.HeadRepair, lostHeads, func(r *Report) bool { return r.Quiet > 0 }, 0},
}

// Unguarded are scenarios that must fail, each for the want of a guard.
func Unguarded() []Scenario {
	var all []Scenario
	for _, g := range guarded {
		for _, s := range Scenarios {
			if s.Name == g.scenario {
				s.Without, s.symptom, s.Kind, s.Changes = g.guard, g.symptom, split.Chaotic, few
				s.Load.Crowd = min(s.Load.Crowd, g.crowd)
				all = append(all, s)
			}
		}
	}
	return all
}
