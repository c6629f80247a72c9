package main

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chartutil"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/confab-chat/confab/tools/chart/render"
	"github.com/confab-chat/confab/tools/chart/valid"
)

const root = "../.."

// copied is a copy of both kustomizations, without a secret of the developer's.
func copied(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{base, quickstart} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join(root, name))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(filepath.Join(dir, quickstart, "secret.env")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func writeKeys(t *testing.T, dir string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, quickstart, "secret.env"), []byte("service-keys=0123456789abcdef0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// build does what kubectl kustomize does. It returns the manifests by kind and name.
func build(dir, name string) (map[string][]byte, error) {
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	found := map[string][]byte{}
	for _, r := range made.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			return nil, err
		}
		found[r.GetKind()+" "+r.GetName()] = text
	}
	return found, nil
}

func mustBuild(t *testing.T, dir, name string) map[string][]byte {
	t.Helper()
	found, err := build(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestWhatIsBuiltIsValidAndTheSameAsTheCharts(t *testing.T) {
	schemas, err := valid.Load(t.Context(), ".")
	if err != nil {
		t.Fatal(err)
	}
	values, err := chartutil.ReadValuesFile(filepath.Join(root, baseValues))
	if err != nil {
		t.Fatal(err)
	}
	dir := copied(t)
	writeKeys(t, dir)
	for name, more := range map[string]string{base: `{}`, quickstart: `quickstart: {enabled: true}`} {
		fromChart, err := objects(root, with(values, more))
		if err != nil {
			t.Fatal(err)
		}
		built := mustBuild(t, dir, name)
		for id, manifest := range built {
			if err := schemas.Check(manifest); err != nil {
				t.Errorf("%s: %s: %v", name, id, err)
			}
		}
		compare(t, name, built, fromChart)
	}
}

// hashed is the name that kustomize gives the secret: another one whenever it changes, so that pods start anew.
var hashed = regexp.MustCompile(`confab-[a-z0-9]{10}\b`)

func compare(t *testing.T, name string, built map[string][]byte, fromChart []render.Object) {
	t.Helper()
	left := maps.Clone(built)
	for _, o := range fromChart {
		id := o.Kind + " " + o.Name
		var got, want map[string]any
		text := hashed.ReplaceAll(built[id], []byte("confab"))
		if yaml.Unmarshal(text, &got) != nil || yaml.Unmarshal(o.Manifest, &want) != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %s is not the chart's:\n%s\n%s", name, id, text, o.Manifest)
		}
		delete(left, id)
	}
	for id := range left {
		if name != quickstart || !strings.HasPrefix(id, "Secret confab-") {
			t.Errorf("%s: %s is not in the chart", name, id)
		}
	}
}

func TestQuickstartsSecretHasTheDevelopersKeysAndEveryPodsReferenceFollowsIt(t *testing.T) {
	dir := copied(t)
	writeKeys(t, dir)
	built := mustBuild(t, dir, quickstart)
	i := slices.IndexFunc(slices.Collect(maps.Keys(built)), func(id string) bool { return strings.HasPrefix(id, "Secret ") })
	if i < 0 {
		t.Fatal("there is no secret")
	}
	for id, manifest := range built {
		switch {
		case strings.HasPrefix(id, "Secret "):
			for _, key := range []string{"service-keys: ", "mongodb-uri: ", "redis-url: "} {
				if !strings.Contains(string(manifest), key) {
					t.Errorf("the secret lacks %s\n%s", key, manifest)
				}
			}
		case strings.HasPrefix(id, "Deployment ") && strings.Contains(string(manifest), "secretKeyRef"):
			if strings.Count(string(manifest), "secretKeyRef") != len(hashed.FindAll(manifest, -1)) {
				t.Errorf("%s does not refer to the secret that is made\n%s", id, manifest)
			}
		}
	}
}

func TestWithoutKeysQuickstartNamesTheMissingFile(t *testing.T) {
	if _, err := build(copied(t), quickstart); err == nil || !strings.Contains(err.Error(), "secret.env") {
		t.Errorf("got %v, want an error that names secret.env", err)
	}
}

func TestNothingOfHelmsIsInBase(t *testing.T) {
	for id, manifest := range mustBuild(t, copied(t), base) {
		if strings.Contains(strings.ToLower(string(manifest)), "helm") || strings.HasPrefix(id, "Secret") || strings.HasPrefix(id, "Pod ") {
			t.Errorf("%s: %s", id, manifest)
		}
	}
}
