// Command chart makes of Confab's Helm chart what is committed beside it: k8s/base and k8s/quickstart, for those who use kustomize, and the table of values in docs/kubernetes.md.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const usage = `Usage: chart base|values [-check] [-root directory]

base    k8s/base and k8s/quickstart
values  the table of values in docs/kubernetes.md`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	commands := map[string]func(root string) (files, error){"base": baseFiles, "values": valuesFiles}
	if len(args) == 0 || commands[args[0]] == nil {
		return errors.New("which command?\n\n" + usage)
	}
	fs := flag.NewFlagSet(args[0], flag.ContinueOnError)
	check := fs.Bool("check", false, "write nothing, and fail where a file would change")
	root := fs.String("root", "../..", "`directory` of the repository")
	if err := fs.Parse(args[1:]); err != nil {
		return err
	}
	made, err := commands[args[0]](*root)
	if err != nil {
		return err
	}
	if *check {
		return made.check(*root)
	}
	return made.write(*root)
}

// files are the texts by their paths below the root; nil where a file is to go.
type files map[string][]byte

func (f files) write(root string) error {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	for path, text := range f {
		if err := writeOne(dir, path, text); err != nil {
			return err
		}
	}
	return nil
}

func writeOne(dir *os.Root, path string, text []byte) error {
	if text == nil {
		return dir.Remove(path)
	}
	if err := dir.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return dir.WriteFile(path, text, 0o644)
}

func (f files) check(root string) error {
	var differ []string
	for path, want := range f {
		got, err := os.ReadFile(filepath.Join(root, path)) //nolint:gosec // of this repository
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if (err == nil) != (want != nil) || !bytes.Equal(got, want) {
			differ = append(differ, path)
		}
	}
	if len(differ) > 0 {
		slices.Sort(differ)
		return fmt.Errorf("not what the chart says, run make chart: %s", strings.Join(differ, " "))
	}
	return nil
}
