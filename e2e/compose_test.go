package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/confab-chat/confab/e2e/split"
	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/routes"
)

// compose loads docker-compose.yml as docker compose does, strictly, with nothing in the environment but these.
func compose(t *testing.T, env ...string) (*types.Project, error) {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../docker-compose.yml"}, cli.WithEnv(env))
	if err != nil {
		t.Fatal(err)
	}
	return options.LoadProject(t.Context())
}

func composed(t *testing.T, env ...string) *types.Project {
	t.Helper()
	p, err := compose(t, append(env, "CONFAB_SERVICE_KEYS="+strings.Repeat("k", 32))...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ours returns the composed services that the route table names, by name.
func ours(t *testing.T) map[string]types.ServiceConfig {
	t.Helper()
	p := composed(t)
	services := map[string]types.ServiceConfig{}
	for _, rule := range routes.Table {
		s, ok := p.Services[rule.Service]
		if !ok {
			t.Fatalf("docker-compose.yml has no %s", rule.Service)
		}
		services[rule.Service] = s
	}
	return services
}

func TestComposeWantsTheSecretAndSaysHowToGetOne(t *testing.T) {
	_, err := compose(t)
	if err == nil || !strings.Contains(err.Error(), "CONFAB_SERVICE_KEYS") || !strings.Contains(err.Error(), "openssl rand") {
		t.Fatalf("without it: %v", err)
	}
}

func TestComposeBuildsEachServiceByItsName(t *testing.T) {
	for name, s := range ours(t) {
		if s.Build == nil || s.Build.Args["SERVICE"] == nil || *s.Build.Args["SERVICE"] != name {
			t.Errorf("%s is built from %+v", name, s.Build)
		}
		if s.ContainerName != "" {
			t.Errorf("%s has the name %s, and so cannot be scaled", name, s.ContainerName)
		}
	}
}

var flagLine = regexp.MustCompile(`(?m)^  -([a-z-]+) .*\n.*?(?:\(default (.*)\))?$`)

// flags returns the program's flags with their defaults.
func flags(t *testing.T, bin, program string) map[string]string {
	t.Helper()
	help, err := exec.CommandContext(t.Context(), filepath.Join(bin, program), "-h").Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, line := range flagLine.FindAllStringSubmatch(string(help), -1) {
		all[line[1]] = line[2]
	}
	return all
}

func TestComposeSetsFlagsThatTheProgramsHaveAndURLsWhereSomebodyListens(t *testing.T) {
	bin, err := split.Build(context.Background(), split.Released)
	if err != nil {
		t.Fatal(err)
	}
	services := ours(t)
	public, internal := map[string]bool{}, map[string]bool{"mongo:27017": true, "redis:6379": true} // host:port
	for name := range services {
		given := flags(t, bin, name)
		public[name+given["http-addr"]] = true
		internal[name+given["internal-addr"]] = true
	}
	for name, s := range services {
		reaches := internal
		if name == routes.Web {
			reaches = public
		}
		for flag := range flags(t, bin, name) {
			value, set := s.Environment[config.EnvName(flag)]
			delete(s.Environment, config.EnvName(flag))
			switch {
			case flag == "reset-url" || !strings.HasSuffix(flag, "-url") && !strings.HasSuffix(flag, "-uri"):
			case !set:
				t.Errorf("%s leaves -%s at its default, which is this machine", name, flag)
			default:
				if u, err := url.Parse(*value); err != nil || !reaches[u.Host] {
					t.Errorf("%s: -%s is %s, where nobody listens for it", name, flag, *value)
				}
			}
			if flag == "admin-addr" && (value == nil || !strings.HasPrefix(*value, ":32")) {
				t.Errorf("%s: Prometheus cannot reach the admin address", name)
			}
		}
		for variable := range s.Environment {
			t.Errorf("%s sets %s, and the program has no such flag", name, variable)
		}
	}
}

func TestComposePublishesWebAloneAndGrafanaToThisMachine(t *testing.T) {
	published := map[string]string{routes.Web: ":8000 to 3000", "grafana": "127.0.0.1:8010 to 3000"}
	for name, s := range composed(t, "CONFAB_PORT=8000", "CONFAB_GRAFANA_PORT=8010").Services {
		var ports []string
		for _, p := range s.Ports {
			ports = append(ports, fmt.Sprintf("%s:%s to %d", p.HostIP, p.Published, p.Target))
		}
		if strings.Join(ports, ", ") != published[name] {
			t.Errorf("%s publishes %q", name, ports)
		}
		if s.NetworkMode != "" {
			t.Errorf("%s is in the network %s", name, s.NetworkMode)
		}
	}
}

func TestComposeGivesNobodyMoreThanItNeeds(t *testing.T) {
	dockerfile, err := os.ReadFile("../Dockerfile")
	if err != nil || !regexp.MustCompile(`(?s)\nFROM scratch\n.*\nUSER 65532:65532\n`).Match(dockerfile) {
		t.Errorf("the image has more than the program, or another user: %v", err)
	}
	own := slices.Collect(maps.Keys(ours(t)))
	for name, s := range composed(t).Services {
		if s.Privileged || !s.ReadOnly || len(s.CapAdd) > 0 || !slices.Equal(s.CapDrop, []string{"ALL"}) ||
			!slices.Contains(s.SecurityOpt, "no-new-privileges:true") || s.Pid != "" || s.Ipc != "" {
			t.Errorf("%s may do too much", name)
		}
		// Ours have their user in the Dockerfile.
		if isOurs := slices.Contains(own, name); isOurs && s.User != "" || !isOurs && (s.User == "" || strings.HasPrefix(s.User, "0") || s.User == "root") {
			t.Errorf("%s runs as %q", name, s.User)
		}
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeVolume {
				t.Errorf("%s has the host's %s", name, v.Source)
			}
		}
	}
}

// The longest stop: the drain, 15 s for requests under way, 5 s for what is owed, 5 s to spare.
func TestComposeLetsADrainEnd(t *testing.T) {
	bin, err := split.Build(context.Background(), split.Released)
	if err != nil {
		t.Fatal(err)
	}
	var drain time.Duration
	for _, name := range []string{peer.RealtimeService, routes.Web} {
		d, err := time.ParseDuration(flags(t, bin, name)["drain"])
		if err != nil {
			t.Fatal(err)
		}
		drain = max(drain, d)
	}
	for name, s := range ours(t) {
		if s.StopGracePeriod == nil || time.Duration(*s.StopGracePeriod) < drain+25*time.Second {
			t.Errorf("%s gets %v to stop, and a drain takes %v", name, s.StopGracePeriod, drain)
		}
	}
}

// web says who the client is, so the services believe the network that it is in, and nobody else's.
func TestComposeServicesBelieveTheirOwnNetwork(t *testing.T) {
	project := composed(t)
	subnet := project.Networks["default"].Ipam.Config[0].Subnet
	if p, err := netip.ParsePrefix(subnet); err != nil || !p.Addr().IsPrivate() {
		t.Fatalf("the network is %s", subnet)
	}
	for name, s := range ours(t) {
		want := subnet
		if name == routes.Web {
			want = ""
		}
		if got := s.Environment["CONFAB_TRUSTED_PROXIES"]; got == nil || *got != want {
			t.Errorf("%s believes what %v says of its client, want %q", name, got, want)
		}
	}
}
