package render_test

import (
	"fmt"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

func TestStoresElsewhereAreReachedByWhomTheyAreNeeded(t *testing.T) {
	const (
		mongodb = "10.30.0.0/24 27017"
		redis   = "10.30.1.0/24 6379"
		smtp    = "10.30.2.5/32 587"
		traces  = "10.30.3.7/32 4318"
	)
	want := map[string][]string{
		"auth-svc": {mongodb, redis, smtp, traces}, "conversation-svc": {mongodb, redis, traces}, "message-svc": {mongodb, redis, traces},
		"realtime-svc": {redis, traces}, "web": {traces},
	}
	for name, p := range all[networkingv1.NetworkPolicy](t, scenario(t, "production", ""), "NetworkPolicy") {
		var got []string
		for _, rule := range p.Spec.Egress {
			for _, to := range rule.To {
				if to.IPBlock != nil && len(rule.Ports) == 1 {
					got = append(got, fmt.Sprintf("%s %s", to.IPBlock.CIDR, rule.Ports[0].Port))
				}
			}
			if len(rule.To) == 0 {
				t.Errorf("%s may go anywhere: %+v", name, rule)
			}
		}
		if !slices.Equal(got, want[name]) {
			t.Errorf("%s goes to %q, want %q", name, got, want[name])
		}
	}
}

// secretKeys are where each program's secrets come from: variable, then secret and key.
type secretKeys map[string]string

func TestSecretsComeFromWhereTheValuesSay(t *testing.T) {
	keys, mongodb, redis, traces := "confab-keys service-keys", "confab-mongodb mongodb-uri", "confab-redis redis-url", "confab-tracing trace-endpoint"
	production := map[string]secretKeys{
		"auth-svc": {
			"CONFAB_SERVICE_KEYS": keys, "CONFAB_MONGO_URI": mongodb, "CONFAB_REDIS_URL": redis, "CONFAB_SMTP_PASSWORD": "confab-smtp smtp-password",
			"CONFAB_TRACE_ENDPOINT": traces,
		},
		"conversation-svc": {"CONFAB_SERVICE_KEYS": keys, "CONFAB_MONGO_URI": mongodb, "CONFAB_REDIS_URL": redis, "CONFAB_TRACE_ENDPOINT": traces},
		"message-svc":      {"CONFAB_SERVICE_KEYS": keys, "CONFAB_MONGO_URI": mongodb, "CONFAB_REDIS_URL": redis, "CONFAB_TRACE_ENDPOINT": traces},
		"realtime-svc":     {"CONFAB_SERVICE_KEYS": keys, "CONFAB_REDIS_URL": redis, "CONFAB_TRACE_ENDPOINT": traces},
		"web":              {"CONFAB_TRACE_ENDPOINT": traces},
	}
	eachService(t, scenario(t, "production", ""), func(t *testing.T, w workload) {
		if got, want := secretsOf(w), production[w.name]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestOtherKeysOfASecretAreTaken(t *testing.T) {
	objects := scenario(t, "production", `{mongodb: {key: uri}, redis: {key: url}, serviceKeys: {key: keys}, smtp: {key: password}, tracing: {key: traces}}`)
	want := secretKeys{
		"CONFAB_SERVICE_KEYS": "confab-keys keys", "CONFAB_MONGO_URI": "confab-mongodb uri",
		"CONFAB_REDIS_URL": "confab-redis url", "CONFAB_SMTP_PASSWORD": "confab-smtp password",
		"CONFAB_TRACE_ENDPOINT": "confab-tracing traces",
	}
	if got := secretsOf(workloadOf(t, objects, "auth-svc")); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTracesGoWhereTheValuesSayFromAllProgramsOrNone(t *testing.T) {
	for values, want := range map[string]map[string]string{
		"{}": {"CONFAB_TRACE_ENDPOINT": "", "CONFAB_TRACE_RATIO": ""},
		`tracing: {endpoint: "http://collector:4318", ratio: 1}`: {"CONFAB_TRACE_ENDPOINT": "http://collector:4318", "CONFAB_TRACE_RATIO": "1"},
	} {
		objects := scenario(t, "quickstart", values)
		eachService(t, objects, func(t *testing.T, w workload) {
			for variable, value := range want {
				if got := env(w)[variable].Value; got != value {
					t.Errorf("with %s %s is %q", values, variable, got)
				}
			}
		})
		for name, p := range all[networkingv1.NetworkPolicy](t, objects, "NetworkPolicy") {
			open := slices.ContainsFunc(p.Spec.Egress, func(r networkingv1.NetworkPolicyEgressRule) bool { return r.Ports[0].Port.IntValue() == 4318 })
			if _, isService := all[appsv1.Deployment](t, objects, "Deployment")[name]; open != (isService && values != "{}") {
				t.Errorf("with %s %s may reach the collector: %v", values, name, open)
			}
		}
	}
}

func secretsOf(w workload) secretKeys {
	found := secretKeys{}
	for name, v := range env(w) {
		if v.ValueFrom != nil {
			found[name] = v.ValueFrom.SecretKeyRef.Name + " " + v.ValueFrom.SecretKeyRef.Key
		}
	}
	return found
}

func TestTheSecretOfTheChartHasWhatIsAskedOfIt(t *testing.T) {
	for _, name := range []string{"quickstart", "redis-cluster", "ingress"} {
		objects := scenario(t, name, "")
		secrets := all[corev1.Secret](t, objects, "Secret")
		own, ok := secrets["demo-confab"]
		if !ok || len(secrets) != 1 {
			t.Fatalf("%s has the secrets %v", name, secrets)
		}
		asked := map[string]bool{}
		eachService(t, objects, func(t *testing.T, w workload) {
			for variable, v := range env(w) {
				if v.ValueFrom == nil || v.ValueFrom.SecretKeyRef.Name != "demo-confab" {
					continue
				}
				key := v.ValueFrom.SecretKeyRef.Key
				asked[key] = true
				if len(own.Data[key]) == 0 {
					t.Errorf("%s: the secret has no %s", variable, key)
				}
			}
		})
		if len(asked) != len(own.Data) {
			t.Errorf("%s: of the secret's %d keys %d are asked for", name, len(own.Data), len(asked))
		}
		if len(own.Data["service-keys"]) < 32 {
			t.Errorf("%s: the service keys have %d letters", name, len(own.Data["service-keys"]))
		}
	}
}

func TestQuickstartsAddressesAreThoseOfItsServices(t *testing.T) {
	objects := scenario(t, "quickstart", "")
	own, ports := all[corev1.Secret](t, objects, "Secret")["demo-confab"], servicePorts(t, objects)
	for key, want := range map[string]string{
		"mongodb-uri": fmt.Sprintf("mongodb://demo-confab-mongodb:%d", ports["demo-confab-mongodb"]["mongodb"]),
		"redis-url":   fmt.Sprintf("redis://demo-confab-redis:%d", ports["demo-confab-redis"]["redis"]),
	} {
		if got := string(own.Data[key]); got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
}

func TestASecretThatIsThereIsNotMadeAgain(t *testing.T) {
	objects := scenario(t, "redis-cluster", `{redis: {url: "", existingSecret: mine}, serviceKeys: {existingSecret: mine}}`)
	if found := all[corev1.Secret](t, objects, "Secret"); len(found) > 0 {
		t.Errorf("got %v", found)
	}
}

func TestPodsStartAnewWhenAStoreMoves(t *testing.T) {
	gateway := func(more string) string {
		d := all[appsv1.Deployment](t, scenario(t, "redis-cluster", more), "Deployment")["realtime-svc"]
		return fmt.Sprint(d.Spec.Template)
	}
	before, after := gateway(""), gateway(`redis: {url: "redis://elsewhere:6379"}`)
	if before == after {
		t.Error("the pods do not follow the settings")
	}
}
