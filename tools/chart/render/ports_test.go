package render_test

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/confab-chat/confab/tools/chart/render"
)

// byName are ports: of a container, or of a Service.
type byName map[string]int32

// codePorts are those of the flags' defaults in a program's main.go.
func codePorts(t *testing.T, service string) byName {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, service, "cmd", service, "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	ports := byName{}
	for _, m := range regexp.MustCompile(`(HTTP|Internal|Admin)Addr:\s+"[^"]*:(\d+)"`).FindAllStringSubmatch(string(text), -1) {
		port, err := strconv.ParseInt(m[2], 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		ports[strings.ToLower(m[1])] = int32(port)
	}
	if ports["http"] == 0 || ports["admin"] == 0 {
		t.Fatalf("%s has no ports in its code: %v", service, ports)
	}
	return ports
}

func podPorts(spec corev1.PodSpec) byName {
	ports := byName{}
	for _, c := range spec.Containers {
		for _, p := range c.Ports {
			ports[p.Name] = p.ContainerPort
		}
	}
	return ports
}

// servicePorts are those of each Service by its full name.
func servicePorts(t *testing.T, objects []render.Object) map[string]byName {
	t.Helper()
	found := map[string]byName{}
	for name, s := range all[corev1.Service](t, objects, "Service") {
		ports := byName{}
		for _, p := range s.Spec.Ports {
			ports[p.Name] = p.Port
		}
		found["demo-confab-"+name] = ports
	}
	return found
}

func env(w workload) map[string]corev1.EnvVar {
	found := map[string]corev1.EnvVar{}
	for _, v := range w.pod.Containers[0].Env {
		found[v.Name] = v
	}
	return found
}

// eachService runs the test with the pods of every program of ours that is deployed.
func eachService(t *testing.T, objects []render.Object, test func(t *testing.T, w workload)) {
	t.Helper()
	found := map[string]workload{}
	for _, w := range workloads(t, objects) {
		found[w.name] = w
	}
	for _, name := range services {
		if found[name].name == "" {
			t.Errorf("%s is not deployed", name)
			continue
		}
		t.Run(name, func(t *testing.T) { test(t, found[name]) })
	}
}

func TestPortsAreThoseOfTheCode(t *testing.T) {
	objects := scenario(t, "quickstart", "")
	eachService(t, objects, func(t *testing.T, w workload) {
		want := codePorts(t, w.name)
		if got := podPorts(w.pod); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the container has %v, and the code %v", got, want)
		}
		if got := env(w)["CONFAB_ADMIN_ADDR"].Value; got != fmt.Sprintf(":%d", want["admin"]) {
			t.Errorf("the admin listener is at %s", got)
		}
	})
}

func TestServicesPointAtPortsOfTheirPods(t *testing.T) {
	eachScenario(t, func(t *testing.T, objects []render.Object) {
		for name, s := range all[corev1.Service](t, objects, "Service") {
			var found int
			for _, w := range workloads(t, objects) {
				if !selects(s.Spec.Selector, w.labels) {
					continue
				}
				found++
				for _, p := range s.Spec.Ports {
					if podPorts(w.pod)[p.TargetPort.StrVal] == 0 {
						t.Errorf("%s sends port %d to %s, which %s has not", name, p.Port, p.TargetPort.String(), w.name)
					}
				}
			}
			if found != 1 {
				t.Errorf("%s selects the pods of %d workloads", name, found)
			}
		}
	})
}

func TestURLsNameAPortOfAService(t *testing.T) {
	for _, more := range []string{"", "service: {port: 8080}"} {
		objects := scenario(t, "quickstart", more)
		ports := servicePorts(t, objects)
		eachService(t, objects, func(t *testing.T, w workload) {
			listener := "internal"
			if w.name == "web" {
				listener = "http"
			}
			for name, v := range env(w) {
				of, isURL := strings.CutSuffix(strings.TrimPrefix(name, "CONFAB_"), "_URL")
				if !isURL || v.Value == "" {
					continue
				}
				u, err := url.Parse(v.Value)
				want := "demo-confab-" + strings.ToLower(of) + "-svc"
				if err != nil || u.Hostname() != want || u.Port() != strconv.Itoa(int(ports[want][listener])) {
					t.Errorf("%s is %s, want %s and its port %d", name, v.Value, want, ports[want][listener])
				}
			}
		})
		for _, arg := range workloadOf(t, objects, "test").pod.Containers[0].Args {
			for _, m := range regexp.MustCompile(`(demo-confab-[a-z-]+):(\d+)`).FindAllStringSubmatch(arg, -1) {
				if strconv.Itoa(int(ports[m[1]]["http"])) != m[2] {
					t.Errorf("the test of the release asks port %s of %s", m[2], m[1])
				}
			}
		}
	}
}

func workloadOf(t *testing.T, objects []render.Object, name string) workload {
	t.Helper()
	for _, w := range workloads(t, objects) {
		if w.name == name {
			return w
		}
	}
	t.Fatalf("there is no %s", name)
	return workload{}
}

func TestEveryVariableIsAFlagOfItsProgram(t *testing.T) {
	for name := range scenarios(t) {
		eachService(t, scenario(t, name, ""), func(t *testing.T, w workload) {
			code := source(t, w.name) + source(t, "pkg")
			for variable := range env(w) {
				flag := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(variable, "CONFAB_"), "_", "-"))
				if !strings.Contains(code, strconv.Quote(flag)) {
					t.Errorf("%s: no flag is called -%s", variable, flag)
				}
			}
		})
	}
}

// source is the code of a module, without its tests.
func source(t *testing.T, module string) string {
	t.Helper()
	var text strings.Builder
	err := filepath.WalkDir(filepath.Join(root, module), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		part, err := os.ReadFile(path)
		text.Write(part)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func selects(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return len(selector) > 0
}
