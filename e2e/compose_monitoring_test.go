package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"
)

// mounted returns the files that a composed service has as configs, by where it has them.
func mounted(t *testing.T, p *types.Project, service string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, c := range p.Services[service].Configs {
		file := p.Configs[c.Source].File
		if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() || info.Mode()&0o004 == 0 {
			t.Errorf("%s cannot read %s: %v", service, file, err)
		}
		files[c.Target] = file
	}
	if len(files) == 0 {
		t.Fatalf("%s has no configs", service)
	}
	return files
}

// written is what a file of YAML says, as JSON would.
func written[T any](t *testing.T, file string) T {
	t.Helper()
	var tree any
	var v T
	err := yaml.Load(contents(t, file), &tree)
	if err == nil {
		var text []byte
		if text, err = json.Marshal(tree); err == nil {
			err = json.Unmarshal(text, &v)
		}
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return v
}

func TestComposedPrometheusScrapesEachReplicaOfEachServiceAndTriesTheAlerts(t *testing.T) {
	files := mounted(t, composed(t), "prometheus")
	config := written[struct {
		RuleFiles []string `json:"rule_files"`
		Scrapes   []struct {
			Job string `json:"job_name"`
			DNS []struct {
				Names []string
				Type  string
				Port  int
			} `json:"dns_sd_configs"`
		} `json:"scrape_configs"`
	}](t, files["/etc/prometheus/prometheus.yml"])
	services := ours(t)
	for _, s := range config.Scrapes {
		service, ok := services[s.Job]
		if !ok || len(s.DNS) != 1 || !slices.Equal(s.DNS[0].Names, []string{s.Job}) || s.DNS[0].Type != "A" {
			t.Errorf("the job %s asks for %+v", s.Job, s.DNS)
			continue
		}
		var admin string
		if address := service.Environment["CONFAB_ADMIN_ADDR"]; address != nil {
			admin = *address
		}
		if want := fmt.Sprint(":", s.DNS[0].Port); admin != want {
			t.Errorf("%s has its metrics on %s, and is scraped on %s", s.Job, admin, want)
		}
		delete(services, s.Job)
	}
	for name := range services {
		t.Errorf("%s is not scraped", name)
	}
	for _, file := range config.RuleFiles {
		if same, err := filepath.EvalSymlinks(files[file]); err != nil || filepath.Base(same) != filepath.Base(alertsFile) {
			t.Errorf("the rules %s are %q: %v", file, files[file], err)
		}
	}
	if len(config.RuleFiles) != 1 {
		t.Errorf("the rules are in %v", config.RuleFiles)
	}
}

func TestPrometheusUnderstandsItsConfigInCompose(t *testing.T) {
	dir := t.TempDir()
	for target, file := range mounted(t, composed(t), "prometheus") {
		text := strings.ReplaceAll(string(contents(t, file)), path.Dir(target), dir)
		if err := os.WriteFile(filepath.Join(dir, path.Base(target)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), promtool(t), "check", "config", filepath.Join(dir, "prometheus.yml")).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "rules found") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestComposedGrafanaHasTheDashboardsAndWhereTheirDataIs(t *testing.T) {
	files := mounted(t, composed(t), "grafana")
	provisioning := "/etc/grafana/provisioning/"
	providers := written[struct {
		Providers []struct {
			Type    string
			Options struct{ Path string }
		}
	}](t, files[provisioning+"dashboards/confab.yaml"]).Providers
	if len(providers) != 1 || providers[0].Type != "file" {
		t.Fatalf("the dashboards come from %+v", providers)
	}
	for name := range dashboards(t) {
		if file := files[path.Join(providers[0].Options.Path, name)]; filepath.Base(file) != name {
			t.Errorf("Grafana does not find %s, but %q", name, file)
		}
	}
	sources := written[struct {
		Datasources []struct {
			Type      string
			URL       string
			IsDefault bool
		}
	}](t, files[provisioning+"datasources/confab.yaml"]).Datasources
	if len(sources) != 1 || sources[0].Type != "prometheus" || sources[0].URL != "http://prometheus:9090" || !sources[0].IsDefault {
		t.Errorf("the data comes from %+v", sources)
	}
}
