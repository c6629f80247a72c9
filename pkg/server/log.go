package server

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

const (
	alikePerSecond = 10  // records that are written; the next one in a later second tells how many were not
	kindsKept      = 500 // of records; past it all are forgotten
)

// NewLog returns the program's log: JSON lines at the level of the configuration. An outage or an attack may make thousands of records a second that say the same: of warnings
// and errors with one message and code, alikePerSecond are written.
func (c *Config) NewLog(w io.Writer) *slog.Logger {
	next := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: c.LogLevel})
	return slog.New(sampler{next, &sampled{kinds: map[kind]*second{}}})
}

// sampler passes on what is not too much of one kind.
type sampler struct {
	slog.Handler
	sampled *sampled
}

type sampled struct {
	mu    sync.Mutex
	kinds map[kind]*second
}

type kind struct{ message, code string }

// second is the present one of a kind.
type second struct {
	begin            time.Time
	written, skipped int
}

func (s sampler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn {
		return s.Handler.Handle(ctx, r)
	}
	ok, skipped := s.sampled.take(kindOf(&r), r.Time)
	if !ok {
		return nil
	}
	if skipped > 0 {
		r.AddAttrs(slog.Int("skipped", skipped))
	}
	return s.Handler.Handle(ctx, r)
}

func (s sampler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return sampler{s.Handler.WithAttrs(attrs), s.sampled}
}

func (s sampler) WithGroup(name string) slog.Handler {
	return sampler{s.Handler.WithGroup(name), s.sampled}
}

func kindOf(r *slog.Record) kind {
	k := kind{message: strings.Map(withoutDigit, r.Message)} // the standard library's have addresses and ports in them
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "code" {
			k.code = a.Value.String()
		}
		return k.code == ""
	})
	return k
}

func withoutDigit(r rune) rune {
	if '0' <= r && r <= '9' {
		return -1
	}
	return r
}

// take reports whether a record is written, and how many like it were not in the second of the last one.
func (s *sampled) take(k kind, at time.Time) (ok bool, skipped int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kinds) >= kindsKept {
		clear(s.kinds)
	}
	now := s.kinds[k]
	if now == nil {
		now = &second{begin: at}
		s.kinds[k] = now
	}
	if at.Sub(now.begin) >= time.Second {
		skipped = now.skipped
		*now = second{begin: at}
	}
	if now.written == alikePerSecond {
		now.skipped++
		return false, 0
	}
	now.written++
	return true, skipped
}
