package render_test

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/confab-chat/confab/tools/chart/render"
)

// stopping is the longest that a program takes to end: sockets are drained, requests finished, and what is owed flushed.
const stopping = 20*time.Second + 15*time.Second + 5*time.Second

func isFalse(b *bool) bool { return b != nil && !*b }
func isTrue(b *bool) bool  { return b != nil && *b }

func TestEveryPodKeepsToRestrictedPodSecurity(t *testing.T) {
	eachScenario(t, func(t *testing.T, objects []render.Object) {
		for _, w := range workloads(t, objects) {
			checkPodSecurity(t, w)
			for _, c := range append(w.pod.InitContainers, w.pod.Containers...) {
				checkContainerSecurity(t, w.name, c)
			}
		}
	})
}

func checkPodSecurity(t *testing.T, w workload) {
	t.Helper()
	security := w.pod.SecurityContext
	if security == nil {
		t.Errorf("%s has no securityContext", w.name)
		return
	}
	for what, ok := range map[string]bool{
		"runAsNonRoot":                  isTrue(security.RunAsNonRoot),
		"a user that is not root":       security.RunAsUser != nil && *security.RunAsUser > 0,
		"RuntimeDefault":                security.SeccompProfile != nil && security.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault,
		"no token of the API":           isFalse(w.pod.AutomountServiceAccountToken),
		"no links of Services":          isFalse(w.pod.EnableServiceLinks),
		"no namespaces of the host's":   !w.pod.HostNetwork && !w.pod.HostPID && !w.pod.HostIPC,
		"only volumes that are its own": ownVolumes(w.pod.Volumes),
	} {
		if !ok {
			t.Errorf("%s lacks %s", w.name, what)
		}
	}
}

func ownVolumes(volumes []corev1.Volume) bool {
	for _, v := range volumes {
		if v.EmptyDir == nil && v.PersistentVolumeClaim == nil && v.ConfigMap == nil && v.Secret == nil {
			return false
		}
	}
	return true
}

func checkContainerSecurity(t *testing.T, name string, c corev1.Container) {
	t.Helper()
	security := c.SecurityContext
	if security == nil {
		t.Errorf("%s: %s has no securityContext", name, c.Name)
		return
	}
	_, tag, _ := strings.Cut(c.Image[strings.LastIndex(c.Image, "/")+1:], ":")
	for what, ok := range map[string]bool{
		"no escalation":                    isFalse(security.AllowPrivilegeEscalation),
		"a root that is read only":         isTrue(security.ReadOnlyRootFilesystem),
		"all capabilities dropped":         security.Capabilities != nil && len(security.Capabilities.Drop) == 1 && security.Capabilities.Drop[0] == "ALL" && len(security.Capabilities.Add) == 0,
		"no privilege":                     !isTrue(security.Privileged),
		"a tag other than latest":          tag != "" && tag != "latest",
		"CPU that it asks for":             !c.Resources.Requests.Cpu().IsZero(),
		"memory that it asks for":          !c.Resources.Requests.Memory().IsZero(),
		"no port of the host":              noHostPort(c.Ports),
		"each variable only once":          eachOnce(c.Env),
		"names of ports no longer than 15": shortNames(c.Ports),
	} {
		if !ok {
			t.Errorf("%s: %s lacks %s", name, c.Name, what)
		}
	}
}

func noHostPort(ports []corev1.ContainerPort) bool {
	for _, p := range ports {
		if p.HostPort != 0 {
			return false
		}
	}
	return true
}

func shortNames(ports []corev1.ContainerPort) bool {
	for _, p := range ports {
		if len(p.Name) > 15 {
			return false
		}
	}
	return true
}

func eachOnce(env []corev1.EnvVar) bool {
	seen := map[string]bool{}
	for _, v := range env {
		if seen[v.Name] {
			return false
		}
		seen[v.Name] = true
	}
	return true
}

func TestNoVariableIsThereTwiceWhereTheOperatorSetsOneOfTheCharts(t *testing.T) {
	values := parsed(t, `{quickstart: {enabled: true}, services: {web: {env: {CONFAB_LOG_LEVEL: debug}}}}`)
	objects, err := tryRender(values)
	if err != nil {
		if !strings.Contains(err.Error(), "CONFAB_LOG_LEVEL") {
			t.Error(err)
		}
		return
	}
	w := workloadOf(t, objects, "web")
	if !eachOnce(w.pod.Containers[0].Env) || env(w)["CONFAB_LOG_LEVEL"].Value != "debug" {
		t.Errorf("got %v", w.pod.Containers[0].Env)
	}
}

func TestProbesAskTheAdminListener(t *testing.T) {
	eachService(t, scenario(t, "quickstart", ""), func(t *testing.T, w workload) {
		c := w.pod.Containers[0]
		paths := map[*corev1.Probe]string{c.StartupProbe: "/healthz", c.LivenessProbe: "/healthz", c.ReadinessProbe: "/readyz"}
		if len(paths) != 3 || paths[nil] != "" {
			t.Fatal("a probe is missing")
		}
		for probe, path := range paths {
			if probe.HTTPGet == nil || probe.HTTPGet.Path != path || probe.HTTPGet.Port != intstr.FromString("admin") {
				t.Errorf("%s: %+v", path, probe)
			}
		}
	})
}

func TestStopsInGoodOrderWithinItsGracePeriod(t *testing.T) {
	eachService(t, scenario(t, "quickstart", ""), func(t *testing.T, w workload) {
		hook := w.pod.Containers[0].Lifecycle
		if hook == nil || hook.PreStop == nil || hook.PreStop.Sleep == nil || hook.PreStop.Sleep.Seconds < 1 {
			t.Fatal("it does not sleep before it stops")
		}
		need := time.Duration(hook.PreStop.Sleep.Seconds)*time.Second + stopping
		if has := time.Duration(*w.pod.TerminationGracePeriodSeconds) * time.Second; has <= need {
			t.Errorf("it has %v, and may take %v", has, need)
		}
	})
}

func TestIsUpdatedWithoutLossAndSpread(t *testing.T) {
	eachScenario(t, func(t *testing.T, objects []render.Object) {
		for name, d := range all[appsv1.Deployment](t, objects, "Deployment") {
			rolling := d.Spec.Strategy.RollingUpdate
			if rolling == nil || *rolling.MaxSurge != intstr.FromInt32(1) || *rolling.MaxUnavailable != intstr.FromInt32(0) {
				t.Errorf("%s is updated by %+v", name, d.Spec.Strategy)
			}
			spread := map[string]bool{}
			for _, c := range d.Spec.Template.Spec.TopologySpreadConstraints {
				spread[c.TopologyKey] = selects(c.LabelSelector.MatchLabels, d.Spec.Template.Labels)
			}
			if !spread["kubernetes.io/hostname"] || !spread["topology.kubernetes.io/zone"] {
				t.Errorf("%s is spread over %v", name, spread)
			}
			if !selects(d.Spec.Selector.MatchLabels, d.Spec.Template.Labels) {
				t.Errorf("%s does not select its pods", name)
			}
		}
	})
}

func TestSelectorsHaveNothingThatChangesWithAVersion(t *testing.T) {
	for name, d := range all[appsv1.Deployment](t, scenario(t, "quickstart", ""), "Deployment") {
		for key := range d.Spec.Selector.MatchLabels {
			if key != "app.kubernetes.io/name" && key != "app.kubernetes.io/instance" {
				t.Errorf("%s selects by %s", name, key)
			}
		}
	}
}

func TestEveryDeploymentHasItsDisruptionBudget(t *testing.T) {
	eachScenario(t, func(t *testing.T, objects []render.Object) {
		budgets := all[policyv1.PodDisruptionBudget](t, objects, "PodDisruptionBudget")
		for name, d := range all[appsv1.Deployment](t, objects, "Deployment") {
			b := budgets[name].Spec
			if b.Selector == nil || !selects(b.Selector.MatchLabels, d.Spec.Template.Labels) || b.MaxUnavailable == nil || *b.MaxUnavailable != intstr.FromInt32(1) {
				t.Errorf("%s has the budget %+v", name, b)
			}
		}
	})
}

func TestReplicasAreNamedWhereNoAutoscalerSetsThem(t *testing.T) {
	eachScenario(t, func(t *testing.T, objects []render.Object) {
		scaled := map[string]bool{}
		for _, h := range all[autoscalingv2.HorizontalPodAutoscaler](t, objects, "HorizontalPodAutoscaler") {
			if h.Spec.ScaleTargetRef.Kind != "Deployment" || h.Spec.ScaleTargetRef.APIVersion != "apps/v1" {
				t.Errorf("%s scales %+v", h.Name, h.Spec.ScaleTargetRef)
			}
			scaled[strings.TrimPrefix(h.Spec.ScaleTargetRef.Name, "demo-confab-")] = true
		}
		for name, d := range all[appsv1.Deployment](t, objects, "Deployment") {
			if scaled[name] == (d.Spec.Replicas != nil) {
				t.Errorf("%s: replicas %v, and an autoscaler: %v", name, d.Spec.Replicas, scaled[name])
			}
			delete(scaled, name)
		}
		if len(scaled) > 0 {
			t.Errorf("these are no Deployments: %v", scaled)
		}
	})
}

func TestGatewaysScaleByTheirSocketsAndSlowlyDown(t *testing.T) {
	scalers := all[autoscalingv2.HorizontalPodAutoscaler](t, scenario(t, "production", ""), "HorizontalPodAutoscaler")
	for _, name := range services {
		metric, down := scalers[name].Spec.Metrics[0], scalers[name].Spec.Behavior.ScaleDown
		if name != "realtime-svc" {
			if metric.Resource == nil || metric.Resource.Name != corev1.ResourceCPU {
				t.Errorf("%s scales by %+v", name, metric)
			}
			continue
		}
		if metric.Pods == nil || metric.Pods.Metric.Name != "confab_sockets" || metric.Pods.Target.AverageValue.Value() != 10000 {
			t.Errorf("%s scales by %+v", name, metric)
		}
		policy := down.Policies[0]
		if *down.StabilizationWindowSeconds < 600 || len(down.Policies) != 1 || policy.Type != autoscalingv2.PodsScalingPolicy || policy.Value != 1 || policy.PeriodSeconds < 120 {
			t.Errorf("%s goes down by %+v", name, down)
		}
	}
	if !strings.Contains(source(t, "realtime-svc"), `"confab_sockets"`) {
		t.Error("realtime-svc has no metric confab_sockets")
	}
}
