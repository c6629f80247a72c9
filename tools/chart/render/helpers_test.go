package render_test

import (
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chartutil"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/confab-chat/confab/tools/chart/render"
)

const (
	root      = "../../.."
	chart     = root + "/k8s/helm/confab"
	namespace = "chat"
)

var services = []string{"auth-svc", "conversation-svc", "message-svc", "realtime-svc", "web"}

// scenarios are the values of ci/, by the names before -values.yaml.
func scenarios(t *testing.T) map[string]map[string]any {
	t.Helper()
	paths, err := filepath.Glob(chart + "/ci/*-values.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatal("there are no scenarios", err)
	}
	all := map[string]map[string]any{}
	for _, path := range paths {
		values, err := chartutil.ReadValuesFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(path), "-values.yaml")] = values
	}
	return all
}

// eachScenario runs the test with what is rendered in each of them.
func eachScenario(t *testing.T, test func(t *testing.T, objects []render.Object)) {
	t.Helper()
	for name, values := range scenarios(t) {
		t.Run(name, func(t *testing.T) { test(t, rendered(t, values)) })
	}
}

// scenario is what is rendered with the values of one of them and with more, in YAML.
func scenario(t *testing.T, name, more string) []render.Object {
	t.Helper()
	return rendered(t, chartutil.CoalesceTables(parsed(t, more), scenarios(t)[name]))
}

func rendered(t *testing.T, values map[string]any) []render.Object {
	t.Helper()
	objects, err := tryRender(values)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func tryRender(values map[string]any) ([]render.Object, error) {
	return render.Release{Chart: chart, Name: "demo", Namespace: namespace, Values: values}.Objects()
}

func parsed(t *testing.T, text string) map[string]any {
	t.Helper()
	values, err := chartutil.ReadValues([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// all returns the objects of a kind by their names, without what comes first in each.
func all[T any](t *testing.T, objects []render.Object, kind string) map[string]T {
	t.Helper()
	found := map[string]T{}
	for _, o := range objects {
		if o.Kind != kind {
			continue
		}
		var typed T
		if err := yaml.UnmarshalStrict(o.Manifest, &typed); err != nil {
			t.Fatalf("%s %s: %v", kind, o.Name, err)
		}
		found[strings.TrimPrefix(o.Name, "demo-confab-")] = typed
	}
	return found
}

// workload is what makes pods, or a pod by itself.
type workload struct {
	name   string
	labels map[string]string // the pods'
	pod    corev1.PodSpec
}

func workloads(t *testing.T, objects []render.Object) []workload {
	t.Helper()
	var found []workload
	for name, d := range all[appsv1.Deployment](t, objects, "Deployment") {
		found = append(found, workload{name, d.Spec.Template.Labels, d.Spec.Template.Spec})
	}
	for name, s := range all[appsv1.StatefulSet](t, objects, "StatefulSet") {
		found = append(found, workload{name, s.Spec.Template.Labels, s.Spec.Template.Spec})
	}
	for name, p := range all[corev1.Pod](t, objects, "Pod") {
		found = append(found, workload{name, p.Labels, p.Spec})
	}
	return found
}
