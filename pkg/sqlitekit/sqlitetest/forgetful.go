package sqlitetest

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// Forgetful is a directory whose files lose, when the power fails, all that was written since they were last synced.
type Forgetful struct {
	dir string

	mu    sync.Mutex
	files map[string]*forgetfulFile // by path
}

// forgetfulFile is what the disk holds, and what only the system's cache does.
type forgetfulFile struct {
	synced   []byte
	unsynced []func(image []byte) []byte
}

// NewForgetful returns a directory for SQLite files that the test opens from now on. SQLite reaches it through a layer over its own
// file system calls, so the code under test is what production runs.
func NewForgetful(t testing.TB) *Forgetful {
	t.Helper()
	f := &Forgetful{dir: t.TempDir(), files: map[string]*forgetfulFile{}}
	layer.install(t)
	layer.dirs.Store(f.dir, f)
	t.Cleanup(func() { layer.dirs.Delete(f.dir) })
	return f
}

// Path returns the path of a file in the directory.
func (f *Forgetful) Path(name string) string { return filepath.Join(f.dir, name) }

// PowerFails returns a directory with what the disk would hold had the power failed now.
func (f *Forgetful) PowerFails(t testing.TB) string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	after := t.TempDir()
	for path, file := range f.files {
		if strings.HasSuffix(path, "-shm") {
			continue // shared memory is no file of the disk
		}
		if err := os.WriteFile(filepath.Join(after, filepath.Base(path)), file.synced, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return after
}

func (f *Forgetful) change(path string, change func(image []byte) []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	file := f.files[path]
	if file == nil {
		file = &forgetfulFile{}
		f.files[path] = file
	}
	file.unsynced = append(file.unsynced, change)
}

func (f *Forgetful) sync(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	file := f.files[path]
	if file == nil {
		return
	}
	for _, change := range file.unsynced {
		file.synced = change(file.synced)
	}
	file.unsynced = nil
}

// remove takes a removal for durable: the directory is not part of what this disk forgets.
func (f *Forgetful) remove(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.files, path)
}

func write(offset int64, data []byte) func([]byte) []byte {
	return func(image []byte) []byte {
		if end := int(offset) + len(data); end > len(image) {
			image = append(image, make([]byte, end-len(image))...)
		}
		copy(image[offset:], data)
		return image
	}
}

func truncate(size int64) func([]byte) []byte {
	return func(image []byte) []byte { return image[:min(int(size), len(image))] }
}

// layer stands before SQLite's default VFS: https://www.sqlite.org/vfs.html. Its functions must be package-level ones, for SQLite
// holds their addresses where Go's collector does not look.
var layer vfsLayer

type vfsLayer struct {
	once sync.Once
	dirs sync.Map // directory to *Forgetful

	below   sqlite3.Tsqlite3_vfs
	mu      sync.Mutex
	files   map[uintptr]openFile // by sqlite3_file
	methods map[uintptr]uintptr  // the methods below, to ours
}

type openFile struct {
	owner *Forgetful
	path  string
	below *sqlite3.Tsqlite3_io_methods
}

func (l *vfsLayer) install(t testing.TB) {
	l.once.Do(func() {
		l.files, l.methods = map[uintptr]openFile{}, map[uintptr]uintptr{}
		tls := libc.NewTLS()
		defer tls.Close()
		own := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_vfs{})))
		*vfsAt(own) = *vfsAt(sqlite3.Xsqlite3_vfs_find(tls, 0))
		l.below = *vfsAt(own)
		name, err := libc.CString("forgetful")
		if err != nil {
			t.Fatal(err)
		}
		vfsAt(own).FzName = name
		vfsAt(own).FxOpen = funcAddress(openFileBelow)
		vfsAt(own).FxDelete = funcAddress(deleteFile)
		if code := sqlite3.Xsqlite3_vfs_register(tls, own, 1); code != sqlite3.SQLITE_OK {
			t.Fatalf("the file layer cannot be registered: SQLite answers %d", code)
		}
	})
}

func (l *vfsLayer) owner(path string) *Forgetful {
	if f, ok := l.dirs.Load(filepath.Dir(path)); ok {
		return f.(*Forgetful)
	}
	return nil
}

func (l *vfsLayer) file(file uintptr) openFile {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.files[file]
}

func openFileBelow(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32 {
	code := funcAt[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](layer.below.FxOpen)(tls, vfs, name, file, flags, outFlags)
	if code != sqlite3.SQLITE_OK || name == 0 {
		return code
	}
	path := libc.GoString(name)
	owner := layer.owner(path)
	if owner == nil {
		return code
	}
	layer.mu.Lock()
	defer layer.mu.Unlock()
	methods := &(*sqlite3.Tsqlite3_file)(at(file)).FpMethods
	below := *methods
	layer.files[file] = openFile{owner: owner, path: path, below: methodsAt(below)}
	if layer.methods[below] == 0 {
		own := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_io_methods{})))
		*methodsAt(own) = *methodsAt(below)
		methodsAt(own).FxWrite = funcAddress(writeFile)
		methodsAt(own).FxTruncate = funcAddress(truncateFile)
		methodsAt(own).FxSync = funcAddress(syncFile)
		layer.methods[below] = own
	}
	*methods = layer.methods[below]
	return code
}

func deleteFile(tls *libc.TLS, vfs, name uintptr, syncDir int32) int32 {
	if path := libc.GoString(name); layer.owner(path) != nil {
		layer.owner(path).remove(path)
	}
	return funcAt[func(*libc.TLS, uintptr, uintptr, int32) int32](layer.below.FxDelete)(tls, vfs, name, syncDir)
}

func writeFile(tls *libc.TLS, file, data uintptr, n int32, offset int64) int32 {
	f := layer.file(file)
	f.owner.change(f.path, write(offset, append([]byte(nil), unsafe.Slice((*byte)(at(data)), n)...)))
	return funcAt[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](f.below.FxWrite)(tls, file, data, n, offset)
}

func truncateFile(tls *libc.TLS, file uintptr, size int64) int32 {
	f := layer.file(file)
	f.owner.change(f.path, truncate(size))
	return funcAt[func(*libc.TLS, uintptr, int64) int32](f.below.FxTruncate)(tls, file, size)
}

func syncFile(tls *libc.TLS, file uintptr, flags int32) int32 {
	f := layer.file(file)
	code := funcAt[func(*libc.TLS, uintptr, int32) int32](f.below.FxSync)(tls, file, flags)
	if code == sqlite3.SQLITE_OK {
		f.owner.sync(f.path)
	}
	return code
}

// The following read and make C's pointers as SQLite's translation to Go has them: a function's address is that of a word that
// holds its Go value.

func funcAddress[F any](f F) uintptr {
	word := any(f)
	return (*[2]uintptr)(unsafe.Pointer(&word))[1]
}

func funcAt[F any](address uintptr) F {
	return *(*F)(unsafe.Pointer(&struct{ uintptr }{address}))
}

func at(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }

func vfsAt(address uintptr) *sqlite3.Tsqlite3_vfs { return (*sqlite3.Tsqlite3_vfs)(at(address)) }

func methodsAt(address uintptr) *sqlite3.Tsqlite3_io_methods {
	return (*sqlite3.Tsqlite3_io_methods)(at(address))
}
