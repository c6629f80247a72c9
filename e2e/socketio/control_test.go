package socketio_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync"

	"github.com/confab-chat/confab/e2e/split"
	"github.com/confab-chat/confab/pkg/peer"
)

// control is how the tests in JavaScript steer the deployment.
type control struct {
	*http.ServeMux
	gateways []*split.Process
	turns    *turns
}

func newControl(d *split.Deployment) *control {
	c := &control{ServeMux: http.NewServeMux(), turns: &turns{of: map[string]*trail{}}}
	for i := range 2 {
		gateway := d.Process(peer.RealtimeService, i)
		c.gateways = append(c.gateways, gateway)
		c.turns.proxies = append(c.turns.proxies, proxyTo(gateway.Addr))
	}
	c.HandleFunc("POST /kill", c.do(func(gateway *split.Process, _ *http.Request) error { return gateway.Kill() }))
	c.HandleFunc("POST /restart", c.do(func(gateway *split.Process, r *http.Request) error { return gateway.Restart(r.Context()) }))
	c.HandleFunc("GET /trail", func(w http.ResponseWriter, r *http.Request) { _ = json.NewEncoder(w).Encode(c.turns.look(r)) })
	return c
}

func (c *control) do(what func(*split.Process, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.URL.Query().Get("gateway"))
		if err != nil || n < 1 || n > len(c.gateways) {
			http.Error(w, "gateway is 1 or 2", http.StatusBadRequest)
			return
		}
		if err := what(c.gateways[n-1], r); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}
}

func proxyTo(addr string) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite:  func(p *httputil.ProxyRequest) { p.SetURL(&url.URL{Scheme: "http", Host: addr}) },
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // clients that leave
	}
}

// turns sends each request of a client to the other gateway than the one before it, as load balancers do that know of no sessions. Only its upgrade always goes to
// the one that has not begun the session. Clients name themselves in their query.
type turns struct {
	proxies []*httputil.ReverseProxy

	mu sync.Mutex
	of map[string]*trail
}

// trail is where the requests of a client went.
type trail struct {
	Requests [2]int `json:"requests"` // polls and posts, by gateway
	Away     int    `json:"away"`     // upgrades

	turn, begun int
	polled      chan struct{} // has one for each poll that was answered
}

func (p *turns) trail(r *http.Request) *trail {
	p.mu.Lock()
	defer p.mu.Unlock()
	client := r.URL.Query().Get("client")
	t := p.of[client]
	if t == nil {
		t = &trail{turn: len(p.of) % 2, polled: make(chan struct{}, 1000)}
		p.of[client] = t
	}
	return t
}

func (p *turns) look(r *http.Request) trail {
	t := p.trail(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	return *t
}

func (p *turns) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t, q := p.trail(r), r.URL.Query()
	upgrade := q.Has("sid") && q.Get("transport") == "websocket"
	if upgrade && !t.hold(r) {
		return
	}
	p.proxies[p.next(t, q, upgrade)].ServeHTTP(w, r)
	if r.Method == http.MethodGet && !upgrade {
		select {
		case t.polled <- struct{}{}:
		default:
		}
	}
}

func (p *turns) next(t *trail, q url.Values, upgrade bool) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if upgrade {
		t.Away++
		return 1 - t.begun
	}
	t.turn = 1 - t.turn
	if !q.Has("sid") {
		t.begun = t.turn
	}
	t.Requests[t.turn]++
	return t.turn
}

// hold keeps an upgrade until so many polls were answered as the client's query says: then it comes in the midst of what happens.
func (t *trail) hold(r *http.Request) bool {
	after, _ := strconv.Atoi(r.URL.Query().Get("after")) // none: at once
	for range after {
		select {
		case <-t.polled:
		case <-r.Context().Done():
			return false
		}
	}
	return true
}
