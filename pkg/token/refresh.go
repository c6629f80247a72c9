package token

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"maps"
	"sync"
	"time"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/peer"
)

const (
	pullEvery   = 5 * time.Second
	pullOverlap = time.Minute // covers auth-svc replicas whose clocks differ and revocations stored late
	retryEvery  = 200 * time.Millisecond
)

// Run loads the keys and revocations, then keeps them fresh until ctx ends: by a pull every 5 s, and sooner by the broker's events.
func (v *Verifier) Run(ctx context.Context, b broker.Broker) {
	var listener sync.WaitGroup
	listener.Go(func() { v.listen(ctx, b) })
	defer listener.Wait()
	for wait := time.Duration(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = pullEvery
		if err := v.pull(ctx); err != nil {
			v.failed(ctx, err)
			if v.Ready() != nil {
				wait = retryEvery
			}
		}
	}
}

func (v *Verifier) failed(ctx context.Context, err error) {
	if ctx.Err() == nil {
		v.log.WarnContext(ctx, "keys and revocations not refreshed", "error", err.Error())
	}
}

func (v *Verifier) pull(ctx context.Context) error {
	set, err := v.peers.Auth.Keys(ctx, peer.KeysRequest{})
	if err != nil {
		return err
	}
	keys, err := publicKeys(set)
	if err != nil {
		return err
	}
	v.mu.RLock()
	since := v.since
	v.mu.RUnlock()
	ended, err := v.peers.Auth.Revocations(ctx, peer.RevocationsRequest{Since: chat.TimeOf(since)})
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if !maps.EqualFunc(keys, v.keys, func(a, b ed25519.PublicKey) bool { return a.Equal(b) }) {
		v.cache.forget() // a key that was withdrawn vouches for nothing any more
	}
	v.keys, v.since = keys, ended.Now.Add(-pullOverlap)
	for _, s := range ended.Sessions {
		v.revoked[s.SessionID] = s.ExpiresAt.Time
	}
	v.forgetExpired()
	return nil
}

func (v *Verifier) forgetExpired() {
	limit := time.Now().Add(-pullOverlap)
	for sid, expires := range v.revoked {
		if expires.Before(limit) {
			delete(v.revoked, sid)
		}
	}
}

func (v *Verifier) listen(ctx context.Context, b broker.Broker) {
	broker.Listen(ctx, b, []string{chat.SessionsChannel}, func(d broker.Delivery) {
		var event chat.SessionEvent
		if json.Unmarshal(d.Payload, &event) != nil || event.SessionID == "" {
			return // a lost or foreign message: the next pull has what it said
		}
		v.mu.Lock()
		v.revoked[event.SessionID] = event.ExpiresAt.Time
		v.mu.Unlock()
	})
}
