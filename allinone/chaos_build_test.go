package allinone_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The guards' switches and the moved clock are in files that only the tag chaos builds. Nothing but e2e/split may give that tag: what is
// released is built by the other files that the repository has.
func TestOnlyChaosCanSwitchAGuardOff(t *testing.T) {
	for _, name := range []string{"guard", "clock"} {
		files := func(tags ...string) string {
			return strings.Join(goList(t, append(tags, "-f", "{{join .GoFiles \" \"}}", project+"pkg/"+name)...), " ")
		}
		if release := files(); !strings.Contains(release, "release.go") || strings.Contains(release, "chaos.go") {
			t.Errorf("without a tag pkg/%s is %s", name, release)
		}
		if chaos := files("-tags", "chaos"); !strings.Contains(chaos, "chaos.go") || strings.Contains(chaos, "release.go") {
			t.Errorf("with the tag chaos pkg/%s is %s", name, chaos)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "go", "vet", "-tags", "chaos", "../pkg/guard", "../pkg/clock").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	var giving, built []string
	for path, text := range repositoryFiles(t) {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		if gives(text) {
			giving = append(giving, path)
		}
		if strings.Contains(text, "//go:build chaos\n") {
			built = append(built, path)
		}
	}
	if want := []string{"../e2e/split/build.go"}; !slices.Equal(giving, want) {
		t.Errorf("the tag chaos is given by %q, want %q alone", giving, want)
	}
	if want := []string{"../pkg/clock/chaos.go", "../pkg/guard/chaos.go"}; !slices.Equal(built, want) {
		t.Errorf("the tag chaos builds %q, want %q alone", built, want)
	}
}

// gives reports whether the text has build tags and the word chaos in one line.
func gives(text string) bool {
	for line := range strings.Lines(text) {
		if strings.Contains(line, "-tags") && strings.Contains(line, "chaos") {
			return true
		}
	}
	return false
}
