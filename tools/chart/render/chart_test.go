package render_test

import (
	"bytes"
	"slices"
	"testing"

	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"

	"github.com/confab-chat/confab/tools/chart/render"
	"github.com/confab-chat/confab/tools/chart/valid"
)

func TestHelmLintHasNothingToSay(t *testing.T) {
	for name, values := range scenarios(t) {
		found := lint.AllWithKubeVersion(chart, values, namespace, &render.KubeVersion)
		for _, m := range found.Messages {
			if m.Severity > support.InfoSev {
				t.Errorf("%s: %v", name, m)
			}
		}
	}
}

func TestEveryObjectIsValid(t *testing.T) {
	schemas, err := valid.Load(t.Context(), "..")
	if err != nil {
		t.Fatal(err)
	}
	eachScenario(t, func(t *testing.T, objects []render.Object) {
		for _, o := range objects {
			if err := schemas.Check(o.Manifest); err != nil {
				t.Errorf("%s %s: %v", o.Kind, o.Name, err)
			}
		}
	})
}

func TestAllKindsAreAmongTheScenarios(t *testing.T) {
	found := map[string]bool{}
	for _, values := range scenarios(t) {
		for _, o := range rendered(t, values) {
			found[o.Kind] = true
		}
	}
	for _, kind := range []string{
		"Deployment", "StatefulSet", "Service", "Secret", "ConfigMap", "Pod", "Ingress", "HTTPRoute", "NetworkPolicy",
		"HorizontalPodAutoscaler", "PodDisruptionBudget", "PodMonitor", "PrometheusRule",
	} {
		if !found[kind] {
			t.Errorf("no scenario has a %s", kind)
		}
	}
}

func TestNoTwoObjectsShareAName(t *testing.T) {
	eachScenario(t, func(t *testing.T, objects []render.Object) {
		seen := map[[2]string]bool{}
		for _, o := range objects {
			if id := [2]string{o.Kind, o.Name}; seen[id] {
				t.Errorf("there are two of %v", id)
			} else {
				seen[id] = true
			}
		}
	})
}

func TestWithExistingSecretsTheChartRendersTheSameBytesAndNoSecret(t *testing.T) {
	values := scenarios(t)["production"]
	first, second := rendered(t, values), rendered(t, values)
	same := slices.EqualFunc(first, second, func(a, b render.Object) bool { return bytes.Equal(a.Manifest, b.Manifest) })
	if !same {
		t.Error("the second time it differs")
	}
	for _, o := range first {
		if o.Kind == "Secret" {
			t.Errorf("there is a secret: %s", o.Manifest)
		}
	}
}

func TestNamesKeepToTheirLimitHoweverLongTheReleaseIsCalled(t *testing.T) {
	schemas, err := valid.Load(t.Context(), "..")
	if err != nil {
		t.Fatal(err)
	}
	r := render.Release{Chart: chart, Name: "a-release-whose-name-has-as-many-letters-as-helm-take", Namespace: namespace, Values: scenarios(t)["quickstart"]}
	if len(r.Name) != 53 {
		t.Fatalf("helm takes 53 letters, and these are %d", len(r.Name))
	}
	objects, err := r.Objects()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if err := schemas.Check(o.Manifest); err != nil {
			t.Errorf("%s %s: %v", o.Kind, o.Name, err)
		}
	}
}
