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
	"github.com/confab-chat/confab/pkg/clock"
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
	if err := v.pullRevocations(ctx); err != nil {
		return err
	}
	now := v.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	if !maps.EqualFunc(keys, v.keys, func(a, b ed25519.PublicKey) bool { return a.Equal(b) }) {
		v.cache.forget() // a key that was withdrawn vouches for nothing any more
	}
	v.keys = keys
	v.forgetExpired(now)
	return nil
}

// pullRevocations takes in what ended since the last pull, page after page. What came before an error stays; the next pull asks
// for it again.
func (v *Verifier) pullRevocations(ctx context.Context) error {
	var begun time.Time
	for request := (&peer.RevocationsRequest{Since: chat.TimeOf(v.since)}); request != nil; {
		asked := clock.Now()
		page, err := v.peers.Auth.Revocations(ctx, *request)
		if err != nil {
			return err
		}
		if begun.IsZero() {
			begun = page.Now.Time
			v.setClock(asked, begun)
		}
		v.revoke(page.Sessions...)
		request = page.Next
	}
	v.since = begun.Add(-pullOverlap)
	return nil
}

// setClock takes auth-svc's time, as it was between a request of ours and this moment.
func (v *Verifier) setClock(asked, theirs time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.theirs, v.at = theirs, asked.Add(clock.Now().Sub(asked)/2)
}

func (v *Verifier) revoke(ended ...chat.SessionEvent) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range ended {
		v.revoked[s.SessionID] = s.ExpiresAt.Time
	}
}

func (v *Verifier) forgetExpired(now time.Time) {
	limit := now.Add(-pullOverlap)
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
		v.revoke(event)
	})
}
