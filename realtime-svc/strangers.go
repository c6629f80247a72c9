package realtime

import (
	"slices"
	"sync"
)

// strangers are the sockets that have not entered by a token yet, by network, in the order in which they came.
type strangers struct {
	most int // of one network; 0 for no bound

	mu sync.Mutex
	of map[string][]*session
}

// add ends the oldest stranger where its network has too many, instead of turning the new one away: who sends a token at once gets in,
// however many others of the network wait for nothing.
func (st *strangers) add(s *session) {
	if st.most == 0 {
		return
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	network := s.info.Network()
	st.of[network] = append(st.of[network], s)
	if all := st.of[network]; len(all) > st.most {
		all[0].out.finish(endUnavailable)
		st.of[network] = slices.Delete(all, 0, 1)
	}
}

// remove takes a socket that may be none of them.
func (st *strangers) remove(s *session) {
	if st.most == 0 {
		return
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	network := s.info.Network()
	all := st.of[network]
	if i := slices.Index(all, s); i >= 0 {
		st.of[network] = slices.Delete(all, i, i+1)
	}
	if len(st.of[network]) == 0 {
		delete(st.of, network)
	}
}
