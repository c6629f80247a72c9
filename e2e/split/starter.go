package split

import (
	"os/exec"
	"runtime"
)

// starter starts processes that die with this one. The system ties a child's life to the thread that started it, hence one thread, which
// lives until close.
type starter struct{ work chan func() }

func newStarter() *starter {
	s := &starter{work: make(chan func())}
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with this function
		for f := range s.work {
			f()
		}
	}()
	return s
}

func (s *starter) start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = childAttributes()
	}
	err := make(chan error)
	s.work <- func() { err <- cmd.Start() }
	return <-err
}

// close ends the thread, and with it whatever still runs.
func (s *starter) close() { close(s.work) }
