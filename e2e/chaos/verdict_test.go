package chaos

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// whole is a history of three messages, and what writers know of it.
func whole() ([]ack, map[string]time.Time, []history) {
	start := time.Now()
	var acks []ack
	asked := map[string]time.Time{}
	var sights []sight
	for rev := int64(1); rev <= 3; rev++ {
		message, key := fmt.Sprint("m", rev), fmt.Sprint("k", rev)
		asked[key] = start.Add(time.Duration(rev) * time.Second)
		acks = append(acks, ack{"c", message, key, rev, asked[key], asked[key].Add(time.Millisecond)})
		sights = append(sights, sight{rev, message, key, asked[key].Add(2 * time.Millisecond)})
	}
	return acks, asked, []history{{"c", sights}, {"c", slices.Clone(sights)}}
}

func TestVerdictsOnHistories(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(h *history, acks []ack)
		want  Verdict
	}{
		"a whole one": {func(*history, []ack) {}, Verdict{}},
		"an acknowledged message in the middle is missing": {func(h *history, _ []ack) { h.sights = slices.Delete(h.sights, 1, 2) },
			Verdict{Lost: Count{0, 2}}}, // the hole and the promise
		"the last one is missing": {func(h *history, _ []ack) { h.sights = h.sights[:2] }, Verdict{Lost: Count{0, 1}}},
		"one comes twice":         {func(h *history, _ []ack) { h.sights = append(h.sights, h.sights[1]) }, Verdict{Doubled: Count{0, 1}}},
		"one is stored twice": {func(h *history, acks []ack) { h.sights = append(h.sights, sight{4, "m4", "k3", acks[2].at}) },
			Verdict{Doubled: Count{0, 1}}},
		"two change places": {func(h *history, _ []ack) { h.sights[0], h.sights[1] = h.sights[1], h.sights[0] },
			Verdict{Reordered: Count{0, 1}}},
		"one is of another message": {func(h *history, _ []ack) { h.sights[1].messageID = "m9" }, Verdict{Differing: 1, Lost: Count{0, 1}}},
		"one was never sent":        {func(h *history, _ []ack) { h.sights[1].clientMsgID = "k9" }, Verdict{Invented: 1}},
		"one came before it was sent": {func(h *history, acks []ack) { h.sights[2].at = acks[2].asked.Add(-time.Millisecond) },
			Verdict{Invented: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			acks, asked, histories := whole()
			test.spoil(&histories[1], acks)
			var got Verdict
			got.judge(acks, asked, histories)
			test.want.Acked, test.want.Deliveries = 3, int64(len(histories[0].sights)+len(histories[1].sights))
			if len(got.Problems) == 0 != got.OK() {
				t.Errorf("problems %q, OK %t", got.Problems, got.OK())
			}
			got.Problems, got.Slowest = nil, 0
			if fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("the verdict is %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestTheSlowestDeliveryCountsFromTheAcknowledgement(t *testing.T) {
	acks, asked, histories := whole()
	histories[1].sights[2].at = acks[2].at.Add(time.Minute)
	var v Verdict
	v.judge(acks, asked, histories)
	if v.Slowest != time.Minute {
		t.Errorf("the slowest is %v", v.Slowest)
	}
}

func TestTrailsOnRawFrames(t *testing.T) {
	event := func(rev int64) frame { return frame{Type: "message.created", ConversationID: "c", Rev: rev} }
	joined := func(rev int64) frame { return frame{Type: "reply", Joined: &position{"c", rev}} }
	resync := frame{Type: "resync", ConversationID: "c", Rev: 9}
	for name, test := range map[string]struct {
		frames []frame
		want   [4]int64 // lost, doubled, reordered, resyncs
	}{
		"a join from now, then live events":      {[]frame{joined(5), event(6), event(7)}, [4]int64{}},
		"a resume":                               {[]frame{joined(0), event(1), event(2), joined(2), event(3)}, [4]int64{}},
		"a resume that brings nothing":           {[]frame{joined(0), event(1), joined(1), event(2)}, [4]int64{}},
		"a hole among live events":               {[]frame{joined(0), event(1), event(3)}, [4]int64{1, 0, 0, 0}},
		"a resume that leaves events out":        {[]frame{joined(0), event(1), joined(3), event(4)}, [4]int64{2, 0, 0, 0}},
		"a resume that leaves the first out":     {[]frame{joined(0), event(1), event(3), joined(3)}, [4]int64{1, 0, 0, 0}},
		"a resume that brings one again":         {[]frame{joined(0), event(1), event(1), joined(1)}, [4]int64{0, 1, 0, 0}},
		"an event that comes twice":              {[]frame{joined(0), event(1), event(2), event(1)}, [4]int64{0, 1, 0, 0}},
		"two that change places":                 {[]frame{joined(0), event(2), event(1), event(3)}, [4]int64{1, 0, 1, 0}},
		"one of before the join":                 {[]frame{joined(5), event(5)}, [4]int64{0, 0, 1, 0}},
		"a resync excuses a hole until the join": {[]frame{joined(0), event(1), resync, joined(9), event(10)}, [4]int64{0, 0, 0, 1}},
		"but no hole after it":                   {[]frame{joined(0), event(1), resync, joined(9), event(11)}, [4]int64{1, 0, 0, 1}},
		"another conversation's events":          {[]frame{joined(0), {Type: "message.created", ConversationID: "d", Rev: 7}, event(1)}, [4]int64{}},
	} {
		t.Run(name, func(t *testing.T) {
			trail := newTrail("c")
			for _, f := range test.frames {
				trail.hear(f)
			}
			if got := [4]int64{trail.lost, trail.doubled, trail.reordered, trail.resyncs}; got != test.want {
				t.Errorf("lost, doubled, reordered, resyncs are %v, want %v", got, test.want)
			}
		})
	}
}
