package allinone

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/confab-chat/confab/pkg/sqlitekit"
)

// Backup writes the databases in dir to a tar file for its owner's eyes alone, beside a confab that uses them. Each database is
// copied as of one moment, in the order of databases. It returns an error, and leaves no file, where one cannot be copied or
// file exists.
func Backup(ctx context.Context, dir, file string) error {
	if _, err := os.Lstat(file); err == nil {
		return fmt.Errorf("%s is there already: choose another name", file)
	}
	temp, err := os.MkdirTemp(filepath.Dir(file), ".confab-backup-")
	if err != nil {
		return fmt.Errorf("cannot write beside %s: %w", file, err)
	}
	defer os.RemoveAll(temp)
	for _, name := range databases {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("nothing to back up: %w", err)
		}
		if err := sqlitekit.Copy(ctx, filepath.Join(dir, name), filepath.Join(temp, name)); err != nil {
			return err
		}
	}
	out, err := os.OpenFile(filepath.Join(temp, "backup.tar"), os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(pack(out, temp), out.Sync(), out.Close()); err != nil {
		return err
	}
	return os.Link(out.Name(), file) // unlike Rename it does not replace an earlier backup
}

func pack(out io.Writer, dir string) error {
	archive := tar.NewWriter(out)
	for _, name := range databases {
		if err := packFile(archive, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return archive.Close()
}

func packFile(archive *tar.Writer, path string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	header := &tar.Header{Name: filepath.Base(path), Mode: 0o600, Size: info.Size(), ModTime: info.ModTime()}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(archive, in)
	return err
}

// Restore fills an empty or new dir from a file that Backup wrote. It returns an error where dir holds anything already (a write-ahead
// log that was left behind would be taken for the restored database's own), or the file is no complete backup.
func Restore(file, dir string) error {
	data, err := openDataDir(dir)
	if err != nil {
		return err
	}
	defer data.close()
	if err := data.requireEmpty(); err != nil {
		return err
	}
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	temp, err := os.MkdirTemp(dir, restoring)
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := unpack(in, temp); err != nil {
		return fmt.Errorf("%s is no complete backup: %w", file, err)
	}
	for _, name := range databases {
		if err := os.Rename(filepath.Join(temp, name), data.path(name)); err != nil {
			return err
		}
	}
	return nil
}

func unpack(in io.Reader, dir string) error {
	archive := tar.NewReader(in)
	for found := 0; ; found++ {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) && found == len(databases) {
			return nil
		}
		if err != nil {
			return err
		}
		i := slices.Index(databases, header.Name)
		if i < 0 {
			return fmt.Errorf("it holds %q, which is no database of Confab", header.Name)
		}
		out, err := os.OpenFile(filepath.Join(dir, databases[i]), os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, archive) //nolint:gosec // nothing is compressed: what comes out is no larger than the file
		if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
			return err
		}
	}
}
