package allinone

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// The files of the data directory, in the order of a backup: heads of conversations may lag behind messages, never lead.
const (
	authFile         = "auth.db"
	conversationFile = "conversations.db"
	messageFile      = "messages.db"
)

var databases = []string{authFile, conversationFile, messageFile}

// dataDir is a directory that this process alone uses.
type dataDir struct {
	dir  string
	lock *os.File
}

// openDataDir creates the directory, for its owner alone, and locks it. It returns an error where another process has it.
func openDataDir(dir string) (*dataDir, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("-data-dir: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("-data-dir: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("-data-dir: another confab uses %s", dir), lock.Close())
	}
	return &dataDir{dir: dir, lock: lock}, nil
}

func (d *dataDir) path(file string) string { return filepath.Join(d.dir, file) }

// close gives the lock back: the system does it with the file.
func (d *dataDir) close() error { return d.lock.Close() }
