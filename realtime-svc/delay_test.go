package realtime

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/chat"
)

// wantDelays wants so many frames to be counted as deliveries, with these delays in all, give or take what the test took.
func (h *hub) wantDelays(t *testing.T, frames uint64, sum time.Duration) {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(h.metrics.delays)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := families[0].GetMetric()[0].GetHistogram()
	if over := got.GetSampleSum() - sum.Seconds(); got.GetSampleCount() != frames || over < 0 || over > wait.Seconds() {
		t.Errorf("%d frames came %v s late in all, want %d and %v", got.GetSampleCount(), got.GetSampleSum(), frames, sum)
	}
}

// storeOf stores a message as if it had been created so long ago.
func (w *world) storeOf(age time.Duration) chat.Event {
	e := w.store("c", "bob", "hello")
	w.set(func(*world) { e.Message.CreatedAt = chat.TimeOf(time.Now().Add(-age)) })
	return e
}

func TestADelayIsThatOfANewMessageAndOfNothingElse(t *testing.T) {
	g := inMemory(t)
	g.create("c", "ada", "bob")
	g.announce(g.storeOf(time.Hour))
	ada := g.as(t, "ada")
	ada.send(joinFrom("0"))
	ada.wantRevs(1, 1)
	ada.want("reply")
	g.app.hub.wantDelays(t, 0, 0) // it is replayed

	late := g.storeOf(30 * time.Second)
	g.announce(late)
	ada.wantRevs(2, 2)
	g.app.hub.wantDelays(t, 1, 30*time.Second)

	g.announce(g.edit(late, "changed"))
	ada.wantRevs(3, 3)
	g.app.hub.wantDelays(t, 1, 30*time.Second) // whose time it has is not that of the change

	g.announce(g.storeOf(-time.Hour))
	ada.wantRevs(4, 4)
	g.app.hub.wantDelays(t, 2, 30*time.Second) // a clock that is ahead takes nothing off

	unheard := g.storeOf(time.Minute)
	g.announce(g.storeOf(0))
	ada.wantRevs(unheard.Rev, unheard.Rev+1)
	g.app.hub.wantDelays(t, 4, 90*time.Second) // what is fetched to close a gap was waited for
}

func TestADelayIsCountedOverSocketIO(t *testing.T) {
	overSocketIO(t, Config{}, func(t *testing.T, s *scene, w way) {
		s.announce(s.storeOf(time.Hour))
		ada := s.enter(t, w, "ada")
		ada.say(`427["join",{"conversation":"c","rev":0}]`)
		ada.want(created(1), "437")
		s.app.hub.wantDelays(t, 0, 0)
		s.announce(s.storeOf(30 * time.Second))
		ada.want(created(2))
		s.app.hub.wantDelays(t, 1, 30*time.Second)
	})
}
