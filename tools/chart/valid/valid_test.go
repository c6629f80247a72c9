package valid_test

import (
	"strings"
	"testing"

	"github.com/confab-chat/confab/tools/chart/valid"
)

const service = `
apiVersion: v1
kind: Service
metadata: {name: a, labels: {app: a}}
spec: {ports: [{port: 80, targetPort: http}], selector: {app: a}}
`

const route = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: a}
spec: {parentRefs: [{name: gateway}], rules: [{matches: [{path: {type: PathPrefix, value: /}}]}]}
`

const rule = `
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: a}
spec: {groups: [{name: a, rules: [{alert: A, expr: up == 0}]}]}
`

const monitor = `
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: a}
spec: {selector: {}, podMetricsEndpoints: [{port: admin, interval: 30s}]}
`

func TestAnObjectIsTakenAsItIsAndRefusedOnceItIsBroken(t *testing.T) {
	schemas, err := valid.Load(t.Context(), "..")
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range []string{service, route, rule, monitor} {
		if err := schemas.Check([]byte(object)); err != nil {
			t.Errorf("%v\n%s", err, object)
		}
	}
	for name, broken := range map[string]struct{ object, old, new, want string }{
		"a wrong type":              {service, "port: 80", "port: eighty", "/spec/ports/0/port"},
		"an unknown field":          {service, "targetPort", "targetport", "targetport"},
		"a field that is missing":   {service, "port: 80, ", "", "port"},
		"a key that is there twice": {service, "port: 80", "port: 80, port: 81", "port"},
		"an unknown kind":           {service, "Service", "Servize", "Servize"},
		"a name that is no name":    {service, "name: a", "name: A", "metadata.name"},
		"a label that is no label":  {service, "labels: {app: a}", "labels: {app: a/b}", "metadata.labels"},
		"unknown metadata":          {service, "labels", "label", "label"},
		"a route's wrong type":      {route, "PathPrefix", "Prefix", "/spec/rules/0/matches/0/path/type"},
		"a route's unknown field":   {route, "matches", "match", "match"},
		"a route's metadata":        {route, "metadata: {", "metadata: {label: {}, ", "label"},
		"a rule without expression": {rule, ", expr: up == 0", "", "expr"},
		"a monitor's interval":      {monitor, "30s", "soon", "/spec/podMetricsEndpoints/0/interval"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(broken.object, broken.old, broken.new, 1)
			if err := schemas.Check([]byte(text)); err == nil || !strings.Contains(err.Error(), broken.want) {
				t.Errorf("got %v, want an error that names %s", err, broken.want)
			}
		})
	}
}
