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

// restoring begins the name of what a restore leaves behind when it does not end.
const restoring = ".restore-"

// requireEmpty returns an error where the directory holds more than the lock.
func (d *dataDir) requireEmpty() error {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() != filepath.Base(d.lock.Name()) {
			return fmt.Errorf("%s is there already: restore into an empty directory", d.path(entry.Name()))
		}
	}
	return nil
}

// prepare makes the databases' files readable for their owner alone, before SQLite would make them for everybody. It returns an error
// where a restore has not ended.
func (d *dataDir) prepare() error {
	if left, err := filepath.Glob(d.path(restoring + "*")); err != nil || left != nil {
		return errors.Join(fmt.Errorf("a restore into %s did not end: empty the directory and restore again", d.dir), err)
	}
	for _, name := range databases {
		file, err := os.OpenFile(d.path(name), os.O_CREATE|os.O_RDWR, 0o600)
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
	}
	return nil
}

func (d *dataDir) path(file string) string { return filepath.Join(d.dir, file) }

// close gives the lock back: the system does it with the file.
func (d *dataDir) close() error { return d.lock.Close() }
