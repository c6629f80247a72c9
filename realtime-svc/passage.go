package realtime

import (
	"context"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/tracing"
)

// maxTracedSockets is to how many sockets of this replica a trace follows one event: thousands of spans would tell no more.
const maxTracedSockets = 100

// passage is the traced way of one event through this replica. The nil passage is of an event that is not recorded.
type passage struct {
	ctx     context.Context // with the span that gave the event to the sockets
	began   time.Time
	sockets atomic.Int64
}

// begin follows an event that is now given to the sockets of its room.
func (h *hub) begin(e chat.Event) (*passage, trace.Span) {
	ctx, span := h.tracer.Follow(h.ctx, e.Trace, "deliver", trace.SpanKindConsumer)
	if !span.IsRecording() {
		return nil, span
	}
	return &passage{ctx: ctx, began: time.Now()}, span
}

// to is the way to one more socket, nil beyond maxTracedSockets.
func (p *passage) to() *passage {
	if p == nil || p.sockets.Add(1) > maxTracedSockets {
		return nil
	}
	return p
}

// written ends the way to a socket: from its queue to its connection, or to the session that a client polls.
func (p *passage) written(err error) {
	if p == nil {
		return
	}
	_, span := tracing.Start(p.ctx, "write", trace.WithTimestamp(p.began))
	if err != nil {
		tracing.Fail(span, fault.From(err))
	}
	span.End()
}
