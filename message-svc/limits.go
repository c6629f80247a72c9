package message

import (
	"context"

	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/ratelimit"
)

// limited bounds what one user writes, whichever way it comes: by HTTP, a socket or the tutorial's routes.
type limited struct {
	Service
	limiter ratelimit.Limiter
	rule    ratelimit.Rule
}

func (l limited) allow(ctx context.Context) error {
	return httpkit.Allow(ctx, l.limiter, l.rule, identity.UserID(ctx))
}

func (l limited) Send(ctx context.Context, r peer.SendRequest) (peer.Sent, error) {
	if err := l.allow(ctx); err != nil {
		return peer.Sent{}, err
	}
	return l.Service.Send(ctx, r)
}

func (l limited) Edit(ctx context.Context, r peer.EditRequest) (peer.Sent, error) {
	if err := l.allow(ctx); err != nil {
		return peer.Sent{}, err
	}
	return l.Service.Edit(ctx, r)
}

func (l limited) Delete(ctx context.Context, r DeleteRequest) (peer.Sent, error) {
	if err := l.allow(ctx); err != nil {
		return peer.Sent{}, err
	}
	return l.Service.Delete(ctx, r)
}
