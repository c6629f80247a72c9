package realtime

import (
	"time"

	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/ratelimit"
	"github.com/confab-chat/confab/realtime-svc/socketio"
)

// Bounds of one socket.
const (
	maxFrame      = httpkit.MaxBody // bytes: a message of 16 KiB whose every character is escaped, and room to spare
	maxJoined     = 500             // conversations
	maxPending    = maxJoined + 100 // commands that wait or are under way
	maxSends      = 64              // sends to one conversation that wait or are under way
	maxQueueBytes = 256 << 10       // frames that wait to be written; typing and hints only up to half of it
	queueReserve  = 128 << 10       // bytes above maxQueueBytes for replies and what else the client must hear
	maxRefused    = 200             // commands refused for their rate, less those accepted since
	maxTold       = 1000            // removals remembered, so that each is told once
)

// maxRefusals is how often a Socket.IO client may ask in vain to be let in, over one session.
const maxRefusals = 3

// maxUpgrades bounds the WebSockets that a replica's polling clients try at once. Others go on polling.
const maxUpgrades = 200

// attachments is what an event may bring, though no command takes it: the answer says so then.
var attachments = socketio.Limits{Attachments: 10, AttachmentBytes: maxFrame}

// maxUserSockets bounds the sockets of one user on one replica.
const maxUserSockets = 50

// What one network has of -connect-rate. A network may be an office behind one NAT, or everybody, behind a load balancer that
// -trusted-proxies does not name. So one that is alone may use the whole rate, and only yields to others.
const (
	// shareOfRate: each network may count on a tenth of the rate, so that one host cannot use it up, nor can nine. What it opens beyond
	// that, it may while half of the sockets that may open at once are left for others.
	shareOfRate = 10
	// guestsPerRate: where sockets may do without a token, a network may have as many of them as the rate lets in within two seconds.
	guestsPerRate = 2
)

// waitingPerRate: as many sockets may wait for their token as the rate lets in within two seconds. Since no more than one second's may come at once, each has
// a second at least to bring it, whoever else comes.
const waitingPerRate = 2

// maxResume bounds the events that a join replays. Who has missed more reads the feed over HTTP.
const maxResume = 1000

// Times of one socket.
const (
	authWait      = 10 * time.Second // for the first frame with a token
	refusedWait   = 30 * time.Second // for a refused client of Socket.IO 4, which connects again then, perhaps with a token
	pollHold      = 10 * time.Second // below what listeners and proxies give a request
	pingEvery     = 25 * time.Second
	pongWait      = pingEvery + 20*time.Second // since the last frame of any kind
	writeWait     = 10 * time.Second           // for one frame
	flushWait     = 5 * time.Second            // for what waits when a socket is closed in good order
	farewellWait  = time.Second                // for a client that polls to hear of a drain
	closeWait     = 2 * time.Second            // for the client's half of the closing handshake
	retireWait    = 5 * time.Second            // for the commands that were read before a drain
	maxReconnect  = 500 * time.Millisecond     // that a client is asked to wait before it reconnects
	commandWait   = 10 * time.Second
	publishWait   = time.Second
	sweepEvery    = time.Second // looks for expired tokens and ended sessions
	subscribeWait = 2 * time.Second
)

// Limits of rate. Those of commands and typing are counted by each replica alone, per socket.
var (
	commandRule = ratelimit.Rule{Name: "socket", Burst: maxJoined + 100, Period: 12 * time.Second}
	typingRule  = ratelimit.Rule{Name: "typing", Burst: 5, Period: 5 * time.Second} // per conversation too
)
