package checker

import "testing"

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
			trail := NewTrail("c")
			for _, f := range test.frames {
				trail.hear(f)
			}
			if got := [4]int64{trail.Lost, trail.Doubled, trail.Reordered, trail.Resyncs}; got != test.want {
				t.Errorf("lost, doubled, reordered, resyncs are %v, want %v", got, test.want)
			}
		})
	}
}

func TestAFrameThatCannotBeReadIsLost(t *testing.T) {
	trail := NewTrail("c")
	trail.Hear([]byte(`{"type":`))
	if trail.Lost != 1 {
		t.Errorf("%d are lost", trail.Lost)
	}
}
