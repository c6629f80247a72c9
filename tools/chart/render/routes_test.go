package render_test

import (
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/confab-chat/confab/pkg/routes"
	"github.com/confab-chat/confab/tools/chart/render"
)

// httpRoute is what the test reads of an HTTPRoute.
type httpRoute struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Spec       struct {
		ParentRefs []map[string]any `json:"parentRefs"`
		Hostnames  []string         `json:"hostnames"`
		Rules      []struct {
			Matches []struct {
				Path struct {
					Type  string `json:"type"`
					Value string `json:"value"`
				} `json:"path"`
			} `json:"matches"`
			BackendRefs []struct {
				Name string `json:"name"`
				Port int32  `json:"port"`
			} `json:"backendRefs"`
			Timeouts struct {
				Request string `json:"request"`
			} `json:"timeouts"`
		} `json:"rules"`
	} `json:"spec"`
}

// table says which service each prefix goes to.
type table map[string]string

// service is that of the longest prefix, by whole segments: so say Ingress and the Gateway API, in whatever order the rules are.
func (t table) service(path string) string {
	longest := -1
	var found string
	for prefix, service := range t {
		bare := strings.TrimSuffix(prefix, "/")
		if (path == bare || strings.HasPrefix(path, bare+"/")) && len(bare) > longest {
			longest, found = len(bare), service
		}
	}
	return found
}

func ingressTable(t *testing.T, objects []render.Object) table {
	t.Helper()
	found := table{}
	for _, ingress := range all[networkingv1.Ingress](t, objects, "Ingress") {
		for _, rule := range ingress.Spec.Rules {
			for _, p := range rule.HTTP.Paths {
				if *p.PathType != networkingv1.PathTypePrefix || p.Backend.Service.Port.Name != "http" {
					t.Errorf("%s: pathType %s, port %v", p.Path, *p.PathType, p.Backend.Service.Port)
				}
				found.add(t, p.Path, p.Backend.Service.Name)
			}
		}
	}
	return found
}

func routeTable(t *testing.T, objects []render.Object) table {
	t.Helper()
	found := table{}
	ports := servicePorts(t, objects)
	for _, route := range all[httpRoute](t, objects, "HTTPRoute") {
		for _, rule := range route.Spec.Rules {
			to := rule.BackendRefs[0]
			if ports[to.Name]["http"] != to.Port || len(rule.BackendRefs) != 1 {
				t.Errorf("port %d is not that of %s", to.Port, to.Name)
			}
			for _, match := range rule.Matches {
				if match.Path.Type != "PathPrefix" {
					t.Errorf("%s is a %s", match.Path.Value, match.Path.Type)
				}
				found.add(t, match.Path.Value, to.Name)
			}
			if endless := strings.HasSuffix(to.Name, "-realtime-svc"); endless != (rule.Timeouts.Request == "0s") {
				t.Errorf("requests to %s end after %s", to.Name, rule.Timeouts.Request)
			}
		}
	}
	return found
}

func (t table) add(test *testing.T, prefix, service string) {
	test.Helper()
	if t[prefix] != "" {
		test.Errorf("%s is there twice", prefix)
	}
	t[prefix] = strings.TrimPrefix(service, "demo-confab-")
}

func TestIngressAndRouteSendEachPathWhereTheTableDoes(t *testing.T) {
	for name, of := range map[string]table{
		"ingress":                ingressTable(t, scenario(t, "ingress", "")),
		"gateway":                routeTable(t, scenario(t, "gateway", "")),
		"at another port of web": routeTable(t, scenario(t, "gateway", "service: {port: 8080}")),
	} {
		if len(of) != len(routes.Table) {
			t.Errorf("%s has %d prefixes, and the table %d", name, len(of), len(routes.Table))
		}
		for _, path := range somePaths() {
			if got, want := of.service(path), routes.Service(path); got != want {
				t.Errorf("%s sends %s to %q, and the table to %s", name, path, got, want)
			}
		}
	}
}

// somePaths are every prefix, and paths below, beside and above it.
func somePaths() []string {
	paths := []string{"/", "/v1", "/v1/", "/other", "/.well-known", "/api/auth/login", "/api/chat/messages", "/internal/messages"}
	for _, rule := range routes.Table {
		bare := strings.TrimSuffix(rule.Prefix, "/")
		paths = append(paths, rule.Prefix, bare+"/", bare+"/a", bare+"/a/b", "/x"+bare)
		if bare != "" {
			paths = append(paths, bare+"x", bare+"x/a")
		}
	}
	return paths
}
