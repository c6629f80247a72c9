package realtime

import (
	"net/http"

	"github.com/confab-chat/confab/pkg/drain"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/realtime-svc/engineio"
	"github.com/confab-chat/confab/realtime-svc/socketio"
)

// socketDoor lets Socket.IO clients in.
type socketDoor struct {
	*door
	engine *engineio.Server
	relay  *relay
}

func newSocketDoor(d *door, keys peer.Keys) *socketDoor {
	s := &socketDoor{door: d, relay: newRelay(keys)}
	s.engine = engineio.New(engineio.Config{
		PingInterval: pingEvery, PingTimeout: pongWait - pingEvery, PollHold: pollHold, WriteTimeout: writeWait, MaxPayload: maxFrame, Upgrades: maxUpgrades, SystemBuffer: sendBuffer,
		NewID: s.relay.newID, Upgrader: &d.upgrader, Open: s.open,
	})
	s.relay.absent = s.engine
	return s
}

// ServeHTTP checks what is not Engine.IO's affair: who may come at all, how many at once, and which replica it concerns.
func (d *socketDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var passed bool
	var err error
	switch {
	case !d.originAllowed(r):
		err = errOrigin
	case r.URL.Query().Has("sid"):
		passed, err = d.relay.pass(w, r)
	case d.hub.isDraining():
		err = drain.ErrStopping
	case !d.hasRoom(r.Context(), httpkit.InfoFrom(r.Context()).Network()):
		d.hub.metrics.refused.Inc()
		err = crowded()
	}
	switch {
	case err != nil:
		d.refuse(w, r, err)
	case !passed:
		d.engine.ServeHTTP(w, r)
	}
}

// open has a session wait for its Connect. Clients of revision 4 send none: one of them that waits was refused, and connects again when we hang up, perhaps
// with a token then.
func (d *socketDoor) open(e *engineio.Session, r *http.Request) (engineio.Handler, error) {
	c := &socketConn{hub: d.hub, engine: e, info: httpkit.InfoFrom(r.Context())}
	c.token, _ = d.token(r)
	c.waits = d.hub.waiting.add("", func() {
		d.hub.metrics.closes.WithLabelValues(endUnavailable.reason).Inc()
		e.Close()
	})
	wait := authWait
	if e.Revision() == 3 {
		wait = refusedWait
	}
	c.Handler = socketio.Serve(e, socketio.Config{ConnectTimeout: wait, Limits: attachments}, c.connect)
	return c, nil
}
