package allinone_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestBackupOfARunningConfabIsRestoredWhole(t *testing.T) {
	program, dir := program(t), t.TempDir()
	p := run(t, program, filepath.Join(dir, "data"))
	ann, bob := register(t, p.url, "ann"), register(t, p.url, "bob")
	conversation := group(t, p.url, ann, bob)
	send(t, p.url, ann, conversation, "one")
	load := startLoad(p.url, []person{ann, bob}, []string{conversation})

	file := filepath.Join(dir, "confab.tar")
	if out, code := command(t, program, "backup", "-data-dir", filepath.Join(dir, "data"), file); code != 0 {
		t.Fatalf("backup: exit %d: %s", code, out)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the backup is %v, %v; want a file for its owner alone", info, err)
	}
	p.kill()
	load.wait()

	if out, code := command(t, program, "restore", "-data-dir", filepath.Join(dir, "new"), file); code != 0 {
		t.Fatalf("restore: exit %d: %s", code, out)
	}
	p = run(t, program, filepath.Join(dir, "new"))
	messages := history(t, p.url, bob, conversation) // his token and the conversation came along
	if len(messages) == 0 || messages[0].Body != "one" {
		t.Fatalf("the restored history is %+v", messages)
	}
	requireInboxes(t, p.url, []person{ann, bob}, []string{conversation})
	send(t, p.url, bob, conversation, "after the restore")
	p.stop(t)
}

func TestCommandsRefuseWhatWouldDestroy(t *testing.T) {
	program, dir := program(t), t.TempDir()
	data, file, other := filepath.Join(dir, "data"), filepath.Join(dir, "confab.tar"), filepath.Join(dir, "other")
	p := run(t, program, data)
	if out, code := command(t, program, "backup", "-data-dir", data, file); code != 0 {
		t.Fatalf("backup: %s", out)
	}
	cut := filepath.Join(dir, "cut.tar")
	whole, err := os.ReadFile(file)
	if err := errors.Join(err, os.WriteFile(other, []byte("no backup"), 0o600), os.WriteFile(cut, whole[:firstEntry(whole)], 0o600)); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(dir, "left")
	if err := errors.Join(os.Mkdir(left, 0o700), os.WriteFile(filepath.Join(left, "messages.db-wal"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"a backup over a file":                 {[]string{"backup", "-data-dir", data, other}, 1, "is there already"},
		"a backup of nothing":                  {[]string{"backup", "-data-dir", filepath.Join(dir, "none"), filepath.Join(dir, "x.tar")}, 1, "nothing to back up"},
		"a backup without a file":              {[]string{"backup", "-data-dir", data}, 2, "FILE is missing"},
		"a restore while confab runs":          {[]string{"restore", "-data-dir", data, file}, 1, "another confab uses"},
		"a restore of what is no backup":       {[]string{"restore", "-data-dir", filepath.Join(dir, "new"), other}, 1, "no complete backup"},
		"a restore of a part":                  {[]string{"restore", "-data-dir", filepath.Join(dir, "part"), cut}, 1, "no complete backup"},
		"a restore beside a left log":          {[]string{"restore", "-data-dir", left, file}, 1, "is there already"},
		"a second confab on one directory":     {[]string{"-data-dir", data, "-http-addr", "127.0.0.1:0", "-admin-addr", "127.0.0.1:0"}, 1, "another confab uses"},
		"a wrong flag":                         {[]string{"-data-dri", data}, 2, "-data-dri"},
		"a restore of a file that isn't there": {[]string{"restore", "-data-dir", filepath.Join(dir, "new"), filepath.Join(dir, "no.tar")}, 1, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			if out, code := command(t, program, test.args...); code != test.code || !strings.Contains(out, test.says) {
				t.Fatalf("exit %d and %q, want %d and a word of %q", code, out, test.code, test.says)
			}
		})
	}
	p.stop(t)
	if out, code := command(t, program, "restore", "-data-dir", data, file); code != 1 || !strings.Contains(out, "is there already") {
		t.Fatalf("a restore over data: exit %d: %s", code, out)
	}
}

// firstEntry returns the length of a tar archive's first entry: a header block, and the file filled up to whole blocks.
func firstEntry(archive []byte) int {
	const block = 512
	size, _ := strconv.ParseInt(strings.Trim(string(archive[124:136]), " \x00"), 8, 64)
	return block + int((size+block-1)/block)*block
}
