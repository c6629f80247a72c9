package render_test

import (
	"maps"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/confab-chat/confab/tools/chart/render"
)

// edge is who may reach whom, at which port.
type edge struct{ from, to, port string }

var ours = append(slices.Clone(services), "mongodb", "redis", "release-test")

// insideEdges are those of the release's own pods, written out from who calls whom.
var insideEdges = []edge{
	{"web", "auth-svc", "http"},
	{"web", "conversation-svc", "http"},
	{"web", "message-svc", "http"},
	{"web", "realtime-svc", "http"},

	{"conversation-svc", "auth-svc", "internal"},
	{"conversation-svc", "message-svc", "internal"},
	{"message-svc", "auth-svc", "internal"},
	{"message-svc", "conversation-svc", "internal"},
	{"realtime-svc", "auth-svc", "internal"},
	{"realtime-svc", "conversation-svc", "internal"},
	{"realtime-svc", "message-svc", "internal"},
	{"realtime-svc", "realtime-svc", "internal"},

	{"auth-svc", "mongodb", "mongodb"},
	{"conversation-svc", "mongodb", "mongodb"},
	{"message-svc", "mongodb", "mongodb"},
	{"auth-svc", "redis", "redis"},
	{"conversation-svc", "redis", "redis"},
	{"message-svc", "redis", "redis"},
	{"realtime-svc", "redis", "redis"},

	{"release-test", "web", "http"},
	{"release-test", "realtime-svc", "http"},
}

// strangers send and take what they like: no policy of ours selects them.
var strangers = map[string]peer{
	"stranger":      {"elsewhere", labelled("web", "demo"), byName{"http": 3000, "mongodb": 27017, "redis": 6379, "https": 443}},
	"other-web":     {namespace, labelled("web", "other"), byName{"http": 3000, "internal": 3101, "admin": 3200}},
	"other-mongodb": {namespace, labelled("mongodb", "other"), byName{"mongodb": 27017, "redis": 6379}},
	"neighbour":     {namespace, map[string]string{"app": "neighbour"}, nil},
	"controller":    {"ingress-nginx", map[string]string{"app": "nginx"}, nil},
	"gateway":       {"gateways", map[string]string{"app": "envoy"}, nil},
	"prometheus":    {"monitoring", map[string]string{"app": "prometheus"}, nil},
	"cluster's DNS": {"kube-system", map[string]string{"k8s-app": "kube-dns"}, byName{"dns": 53, "metrics": 9153}},
	"false DNS":     {"elsewhere", map[string]string{"k8s-app": "kube-dns"}, byName{"dns": 53}},
}

func labelled(name, instance string) map[string]string {
	return map[string]string{"app.kubernetes.io/name": name, "app.kubernetes.io/instance": instance}
}

func isStranger(name string) bool { return strangers[name].namespace != "" }

func reach(port string, to []string, from ...string) []edge {
	var edges []edge
	for _, f := range from {
		for _, t := range to {
			edges = append(edges, edge{f, t, port})
		}
	}
	return edges
}

func TestOnlyTheNamedEdgesAreOpen(t *testing.T) {
	withPrometheus := `networkPolicy: {monitoring: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]}`
	door := reach("http", []string{"web"}, slices.Collect(maps.Keys(strangers))...)
	for name, c := range map[string]struct {
		scenario, more string
		outside        []edge
	}{
		"one door for everybody":     {"quickstart", "", door},
		"an Ingress controller":      {"ingress", "", reach("http", services, "controller")},
		"a Gateway":                  {"gateway", "", reach("http", services, "gateway")},
		"Prometheus beside the door": {"quickstart", withPrometheus, append(slices.Clone(door), reach("admin", services, "prometheus")...)},
	} {
		t.Run(name, func(t *testing.T) {
			checkEdges(t, scenario(t, c.scenario, c.more), slices.Concat(insideEdges, reach("dns", []string{"cluster's DNS"}, ours...), c.outside))
		})
	}
}

// checkEdges goes through every ordered pair and port. Both ends must agree, or one of them alone holds an edge shut.
func checkEdges(t *testing.T, objects []render.Object, want []edge) {
	t.Helper()
	n, pods := newNetwork(t, objects), peers(t, objects)
	everybody := slices.Contains(want, edge{"neighbour", "web", "http"})
	known := map[edge]bool{}
	for from, f := range pods {
		for to, target := range pods {
			for port := range target.ports {
				e := edge{from, to, port}
				open := slices.Contains(want, e)
				known[e] = true
				if leaves := n.leaves(f, target, port, corev1.ProtocolTCP); leaves != (open || isStranger(from)) {
					t.Errorf("%v: leaving is %v", e, leaves)
				}
				door := everybody && to == "web" && port == "http"
				if enters := n.enters(f, target, port, corev1.ProtocolTCP); enters != (open || isStranger(to) || door) {
					t.Errorf("%v: entering is %v", e, enters)
				}
			}
		}
	}
	for _, e := range want {
		if !known[e] {
			t.Errorf("%v: there is no such pod or port", e)
		}
	}
}

// peers are the release's pods and the strangers.
func peers(t *testing.T, objects []render.Object) map[string]peer {
	t.Helper()
	found := maps.Clone(strangers)
	for _, w := range workloads(t, objects) {
		name, ports := w.name, podPorts(w.pod)
		if name == "test" {
			name, ports = "release-test", byName{"http": 3000, "internal": 3100, "admin": 3200}
		}
		found[name] = peer{namespace, w.labels, ports}
	}
	return found
}

func TestNamesAreResolvedByTheClustersDNSAlone(t *testing.T) {
	objects := scenario(t, "quickstart", "")
	n := newNetwork(t, objects)
	for name, p := range peers(t, objects) {
		if isStranger(name) {
			continue
		}
		for _, protocol := range []corev1.Protocol{corev1.ProtocolUDP, corev1.ProtocolTCP} {
			if !n.allows(p, strangers["cluster's DNS"], "dns", protocol) {
				t.Errorf("%s cannot ask the cluster's DNS by %s", name, protocol)
			}
			if n.allows(p, strangers["false DNS"], "dns", protocol) {
				t.Errorf("%s can ask another DNS by %s", name, protocol)
			}
		}
	}
}
