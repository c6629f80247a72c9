package realtime

import (
	"slices"
	"sync"
)

// strangers are clients of whom nobody knows who they are, by a key, in the order in which they came.
type strangers struct {
	most int // of one key; 0 for no bound

	mu sync.Mutex
	of map[string][]*stranger
}

func newStrangers(most int) *strangers { return &strangers{most: most, of: map[string][]*stranger{}} }

// stranger is one of them; nil is none.
type stranger struct {
	among *strangers
	key   string
	end   func()
}

// add ends the oldest stranger where there are too many of the key, instead of turning the new one away: who sends a token at once gets in, however many others
// wait for nothing. end may be called before add returns.
func (st *strangers) add(key string, end func()) *stranger {
	if st.most == 0 {
		return nil
	}
	one := &stranger{st, key, end}
	if oldest := st.push(one); oldest != nil {
		oldest.end()
	}
	return one
}

// push returns who is one too many, if anybody is.
func (st *strangers) push(one *stranger) (oldest *stranger) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.of[one.key] = append(st.of[one.key], one)
	if all := st.of[one.key]; len(all) > st.most {
		oldest = all[0]
		st.of[one.key] = slices.Delete(all, 0, 1)
	}
	return oldest
}

// leave is called once the client is known, or gone, and may be called again.
func (s *stranger) leave() {
	if s == nil {
		return
	}
	s.among.mu.Lock()
	defer s.among.mu.Unlock()
	all := s.among.of[s.key]
	if i := slices.Index(all, s); i >= 0 {
		s.among.of[s.key] = slices.Delete(all, i, i+1)
	}
	if len(s.among.of[s.key]) == 0 {
		delete(s.among.of, s.key)
	}
}
