package e2e_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

const (
	alertsFile     = "../k8s/helm/confab/files/alerts.yaml"
	alertTestsFile = "../k8s/alerts_test.yaml"
	dashboardFiles = "../k8s/helm/confab/files/dashboards/*.json"
	operationsFile = "../docs/operations.md"
	operationsURL  = "https://github.com/confab-chat/confab/blob/main/docs/operations.md"
)

// alert is one rule of Prometheus.
type alert struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func alerts(t *testing.T) []alert {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string  `yaml:"name"`
			Rules []alert `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Load(contents(t, alertsFile), &file, yaml.WithKnownFields()); err != nil {
		t.Fatal(err)
	}
	var all []alert
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) == 0 {
		t.Fatal("there are no alerts")
	}
	return all
}

// dashboard is what the tests want to know of one.
type dashboard struct {
	ID            *int   `json:"id"`
	UID           string `json:"uid"`
	Title         string `json:"title"`
	SchemaVersion int    `json:"schemaVersion"`
	Templating    struct {
		List []struct{ Name, Query string } `json:"list"`
	} `json:"templating"`
	Panels []panel `json:"panels"`
}

type panel struct {
	Title      string                         `json:"title"`
	GridPos    struct{ X, Y, W, H int }       `json:"gridPos"`
	Datasource struct{ UID string }           `json:"datasource"`
	Targets    []struct{ RefID, Expr string } `json:"targets"`
}

func dashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	files, err := filepath.Glob(dashboardFiles)
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no dashboards: %v", err)
	}
	all := map[string]dashboard{}
	for _, file := range files {
		var d dashboard
		if err := json.Unmarshal(contents(t, file), &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[filepath.Base(file)] = d
	}
	return all
}

func contents(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// expressions returns all of PromQL that Confab comes with, by where it is.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, a := range alerts(t) {
		all[a.Alert] = a.Expr
	}
	for file, d := range dashboards(t) {
		for _, v := range d.Templating.List {
			if strings.HasPrefix(v.Query, "label_values(") {
				all[file+": "+v.Name] = v.Query
			}
		}
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				all[file+": "+p.Title+" "+target.RefID] = target.Expr
			}
		}
	}
	return all
}

func TestDashboardsAlertsAndRunbooksAskForMetricsLabelsAndValuesThatThereAre(t *testing.T) {
	code := theInstruments(t)
	all := expressions(t)
	for i, text := range strings.Split(strings.ReplaceAll(string(contents(t, operationsFile)), "```", ""), "`") {
		if i%2 == 1 && strings.Contains(text, "(") { // code, with a function
			all["docs/operations.md: "+text] = text
		}
	}
	for where, expr := range all {
		for _, problem := range code.check(expr) {
			t.Errorf("%s: %s", where, problem)
		}
	}
}

func TestEachMetricIsOnADashboard(t *testing.T) {
	code, shown := theInstruments(t), map[string]bool{}
	for _, d := range dashboards(t) {
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				for _, u := range uses(target.Expr) {
					shown[code.base(u.name)] = true
				}
			}
		}
	}
	for name := range code.metrics {
		if !shown[name] {
			t.Errorf("%s is on none", name)
		}
	}
}

func TestDashboardsFitAnyGrafana(t *testing.T) {
	uids := map[string]bool{}
	for file, d := range dashboards(t) {
		if d.ID != nil || d.UID == "" || uids[d.UID] || !strings.HasPrefix(d.Title, "Confab: ") || d.SchemaVersion < 39 {
			t.Errorf("%s is %q, %q of schema %d: it has an id of one Grafana, or lacks something", file, d.UID, d.Title, d.SchemaVersion)
		}
		uids[d.UID] = true
		var variables []string
		for _, v := range d.Templating.List {
			variables = append(variables, v.Name)
		}
		if !slices.Equal(variables, []string{"datasource", "namespace"}) {
			t.Errorf("%s has the variables %v", file, variables)
		}
		taken := map[[2]int]string{}
		for _, p := range d.Panels {
			if p.Title == "" || len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" || p.GridPos.X+p.GridPos.W > 24 {
				t.Errorf("%s: panel %q lacks something, or is of one Grafana: %+v", file, p.Title, p)
			}
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other, ok := taken[[2]int{x, y}]; ok {
						t.Fatalf("%s: %q lies on %q", file, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
	}
}

func promtool(t *testing.T) string {
	t.Helper()
	file, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("promtool is missing: install it, on Debian by `apt-get install prometheus`")
	}
	return file
}

func TestPrometheusUnderstandsTheDashboards(t *testing.T) {
	type rule struct {
		Record string `json:"record"`
		Expr   string `json:"expr"`
	}
	variables := strings.NewReplacer("$__rate_interval", "1m", "$namespace", ".*")
	var rules []rule
	for where, expr := range expressions(t) {
		if strings.HasPrefix(expr, "label_values(") {
			continue
		}
		name := strings.Trim(regexp.MustCompile(`\W+`).ReplaceAllString(where, "_"), "_")
		rules = append(rules, rule{name, variables.Replace(expr)})
	}
	file := filepath.Join(t.TempDir(), "rules.json")
	text, err := json.Marshal(map[string]any{"groups": []any{map[string]any{"name": "all", "rules": rules}}}) // JSON is YAML
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), promtool(t), "check", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

var runbookHeading = regexp.MustCompile(`(?m)^### (Confab\w+)$`)

func TestEachAlertHasARunbookAndATest(t *testing.T) {
	runbooks, tests := map[string]bool{}, string(contents(t, alertTestsFile))
	for _, heading := range runbookHeading.FindAllStringSubmatch(string(contents(t, operationsFile)), -1) {
		runbooks[heading[1]] = true
	}
	for _, a := range alerts(t) {
		if !runbooks[a.Alert] {
			t.Errorf("%s has no runbook", a.Alert)
		}
		delete(runbooks, a.Alert)
		if !strings.Contains(tests, `alertname="`+a.Alert+`"`) {
			t.Errorf("%s has no test", a.Alert)
		}
		if a.Annotations["summary"] == "" || a.Annotations["description"] == "" || a.Annotations["runbook_url"] != operationsURL+"#"+strings.ToLower(a.Alert) {
			t.Errorf("%s says %v", a.Alert, a.Annotations)
		}
		if severity := a.Labels["severity"]; severity != "page" && severity != "ticket" || severity == "page" && a.For == "" {
			t.Errorf("%s is a %s after %q", a.Alert, severity, a.For)
		}
	}
	for name := range maps.Keys(runbooks) {
		t.Errorf("the runbook of %s has no alert", name)
	}
}
