package chaos

import (
	"slices"
	"strings"
	"sync"

	"github.com/confab-chat/confab/e2e/proxy"
	"github.com/confab-chat/confab/e2e/split"
	"github.com/confab-chat/confab/pkg/chat"
)

// Way leads from each replica of a service to a store or to another service.
type Way struct{ From, To string }

// network has the proxies of a deployment.
type network struct {
	proxied []Way
	dropper proxy.Dropper

	mu      sync.Mutex
	proxies map[Way][]*proxy.Proxy // in the order of the replicas
}

func newNetwork(s *Scenario) *network {
	prefix, _, _ := strings.Cut(chat.ConversationChannel("."), ".")
	return &network{proxied: s.Proxied, proxies: map[Way][]*proxy.Proxy{}, dropper: proxy.Dropper{Channels: prefix, Every: s.Lose}}
}

// between is what a deployment asks for.
func (n *network) between(from, to, addr string) (string, error) {
	service, _, _ := strings.Cut(from, " ")
	way := Way{service, to}
	if !slices.Contains(n.proxied, way) {
		return addr, nil
	}
	var relay proxy.Relay
	if to == split.Redis {
		relay = n.dropper.Relay
	}
	p, err := proxy.Listen(addr, relay)
	if err != nil {
		return "", err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.proxies[way] = append(n.proxies[way], p)
	return p.Addr, nil
}

// on returns the proxies on a way, one for each replica.
func (n *network) on(way Way) []*proxy.Proxy {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.proxies[way]
}

func (n *network) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, proxies := range n.proxies {
		for _, p := range proxies {
			p.Close()
		}
	}
}
