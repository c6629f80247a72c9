package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckNamesWhatDiffersIsMissingOrIsTooMuch(t *testing.T) {
	dir := t.TempDir()
	made := files{"a/same.yaml": []byte("a"), "a/other.yaml": []byte("b"), "a/new.yaml": []byte("c"), "a/old.yaml": nil}
	if err := os.Mkdir(filepath.Join(dir, "a"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"same": "a", "other": "a", "old": "a"} {
		if err := os.WriteFile(filepath.Join(dir, "a", name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	err := made.check(dir)
	if err == nil || strings.Contains(err.Error(), "same") {
		t.Fatalf("got %v", err)
	}
	for _, name := range []string{"other", "new", "old"} {
		if !strings.Contains(err.Error(), "a/"+name+".yaml") {
			t.Errorf("%s is not in: %v", name, err)
		}
	}
	if err := made.write(dir); err != nil {
		t.Fatal(err)
	}
	if err := made.check(dir); err != nil {
		t.Error(err)
	}
}

func TestTableHasEveryValueWithItsDefaultAndItsComment(t *testing.T) {
	got, err := valuesTable([]byte(`# Of the file.

# Of the first.
first: "" # why
block:
  # Two
  # lines.
  list: [a, b]
  none: {}

  # Not of the last.

  # A|b <c>.
  last: {a: 1}
# Of a block.
other:
  key: text
`))
	if err != nil {
		t.Fatal(err)
	}
	want := "| Value | Default | |\n| --- | --- | --- |\n" +
		"| `first` | `\"\"` | Of the first. |\n" +
		"| `block.list` | `[a, b]` | Two lines. |\n" +
		"| `block.none` | `{}` |  |\n" +
		"| `block.last` | `{a: 1}` | A\\|b &lt;c>. |\n" +
		"| `other` | | Of a block. |\n" +
		"| `other.key` | `text` |  |\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPageKeepsWhatStandsAroundTheTable(t *testing.T) {
	dir := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		to := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("k8s/helm/confab/values.yaml", "key: text\n")
	write(valuesDoc, "before\n"+begin+"old\n"+end+"\nafter\n")
	made, err := valuesFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := "before\n" + begin + "| Value | Default | |\n| --- | --- | --- |\n| `key` | `text` |  |\n" + end + "\nafter\n"
	if got := string(made[valuesDoc]); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	write(valuesDoc, "no markers\n")
	if _, err := valuesFiles(dir); err == nil {
		t.Error("a page without markers is taken")
	}
}

func TestAnUnknownCommandIsRefused(t *testing.T) {
	for _, args := range [][]string{nil, {"bass"}, {"base", "-chek"}} {
		if err := run(args); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
