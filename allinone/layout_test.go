package allinone_test

import (
	"bytes"
	"io/fs"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const project = "github.com/confab-chat/confab/"

var services = []string{"auth-svc", "conversation-svc", "message-svc", "realtime-svc"}

func TestModulesImportOnlyWhatTheyMay(t *testing.T) {
	const imports = `{{.ImportPath}} {{join .Imports " "}} {{join .TestImports " "}} {{join .XTestImports " "}}`
	tests := []struct {
		name    string
		modules []string
		may     []string // besides their own packages
	}{
		{"pkg imports none of ours", []string{"pkg"}, nil},
		{"a service imports pkg and nothing else of ours", services, []string{"pkg"}},
		{"web imports pkg and nothing else of ours", []string{"web"}, []string{"pkg"}},
		{"allinone imports pkg, the services and web", []string{"allinone"}, append([]string{"pkg", "web"}, services...)},
		{"e2e imports pkg and allinone, never a service", []string{"e2e"}, []string{"pkg", "allinone"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, module := range tt.modules {
				for _, line := range goList(t, "-f", imports, project+module+"/...") {
					packages := strings.Fields(line)
					for _, imported := range packages[1:] {
						if owner := ownerOf(imported); owner != "" && owner != module && !slices.Contains(tt.may, owner) {
							t.Errorf("%s imports %s", packages[0], imported)
						}
					}
				}
			}
		})
	}
}

func TestBinariesLinkOnlyWhatTheyMay(t *testing.T) {
	type binary struct {
		name, command string
		mayNot        []string
	}
	tests := []binary{
		{"confab links no test code", "allinone/cmd/confab", []string{"testing", project + "e2e"}},
		{"Engine.IO knows nothing of ours", "realtime-svc/engineio", []string{project + "pkg", project + "realtime-svc/socketio"}},
		{"Socket.IO knows nothing of ours", "realtime-svc/socketio", []string{project + "pkg"}},
		{"realtime-svc links no store", "realtime-svc/cmd/realtime-svc", []string{"go.mongodb.org/mongo-driver", "modernc.org/sqlite"}},
	}
	inFront := []string{"testing", project + "allinone", project + "e2e", "go.mongodb.org/mongo-driver", "modernc.org/sqlite"}
	for _, service := range services {
		inFront = append(inFront, project+service)
		mayNot := []string{"testing", project + "allinone", project + "e2e", project + "web"}
		for _, other := range services {
			if other != service {
				mayNot = append(mayNot, project+other)
			}
		}
		tests = append(tests, binary{service + " links no test code and none of its peers", service + "/cmd/" + service, mayNot})
	}
	tests = append(tests, binary{"web links no test code, no service and no store", "web/cmd/web", inFront})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, linked := range goList(t, "-deps", project+tt.command) {
				for _, path := range tt.mayNot {
					if linked == path || strings.HasPrefix(linked, path+"/") {
						t.Errorf("%s links %s", tt.command, linked)
					}
				}
			}
		})
	}
}

func TestSourceFilesAreShort(t *testing.T) {
	for path, source := range repositoryFiles(t) {
		if !slices.Contains([]string{".go", ".ts", ".tsx", ".sh"}, filepath.Ext(path)) {
			continue
		}
		if lines := strings.Count(source, "\n"); lines > 400 {
			t.Errorf("%s has %d lines, above 400: split it", path, lines)
		}
	}
}

// repositoryFiles goes through the files of the repository in their order, each with its text, but for what is made from them.
func repositoryFiles(t *testing.T) iter.Seq2[string, string] {
	return func(yield func(path, text string) bool) {
		err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && slices.Contains([]string{".git", "bin", "data", "dist", "node_modules"}, entry.Name()):
				return fs.SkipDir
			case entry.IsDir():
				return nil
			}
			text, err := os.ReadFile(path)
			if err == nil && !yield(path, string(text)) {
				return fs.SkipAll
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// ownerOf returns the module of ours that a package belongs to, empty for anyone else's.
func ownerOf(pkg string) string {
	if rest, ours := strings.CutPrefix(pkg, project); ours {
		return strings.Split(rest, "/")[0]
	}
	return ""
}

// goList returns what go list prints, by lines.
func goList(t *testing.T, args ...string) []string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, &stderr)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
}
