package main

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

const stranger = "stranger"

// named are the edges: from, to, port. The stranger is a pod of nobody's.
var named = []string{
	"stranger web http", // which is open to all who may go out at all
	"web auth-svc http", "web conversation-svc http", "web message-svc http", "web realtime-svc http",
	"conversation-svc auth-svc internal", "message-svc auth-svc internal", "realtime-svc auth-svc internal",
	"message-svc conversation-svc internal", "realtime-svc conversation-svc internal",
	"conversation-svc message-svc internal", "realtime-svc message-svc internal",
	"realtime-svc realtime-svc internal",
	"auth-svc mongodb mongodb", "conversation-svc mongodb mongodb", "message-svc mongodb mongodb",
	"auth-svc redis redis", "conversation-svc redis redis", "message-svc redis redis", "realtime-svc redis redis",
}

// either is not named, and open where the cluster's enforcer is kube-router: it takes the ingress rule of a policy for an egress rule of the same pods, too.
const either = "web web http"

// edges has each pod try to connect to each port of each other one, from its own network.
func (r *run) edges(ctx context.Context) (string, error) {
	targets, err := r.targets(ctx)
	if err != nil {
		return "", err
	}
	if err := r.startStranger(ctx); err != nil {
		return "", err
	}
	defer func() { _, _ = r.in(context.WithoutCancel(ctx), "delete", "pod", stranger, "--wait=false") }()
	var wrong []string
	missing := slices.Clone(named)
	tried, open := 0, 0
	for _, from := range append(slices.Clone(services), "mongodb", "redis", stranger) {
		reached, err := r.reach(ctx, from, targets)
		if err != nil {
			return "", err
		}
		for address, is := range reached {
			edge := from + " " + targets[address]
			tried++
			missing = slices.DeleteFunc(missing, func(one string) bool { return one == edge })
			if is {
				open++
			}
			if is != slices.Contains(named, edge) && edge != either {
				wrong = append(wrong, fmt.Sprintf("%s: open is %t", edge, is))
			}
		}
	}
	if len(missing) > 0 {
		return "", fmt.Errorf("not tried: %s", strings.Join(missing, "; "))
	}
	if len(wrong) > 0 {
		return "", fmt.Errorf("%d of %d ways are not as named: %s", len(wrong), tried, strings.Join(wrong, "; "))
	}
	return fmt.Sprintf("%d ways tried: %d open, as named, and %d refused", tried, open, tried-open), nil
}

// targets are the ports of the last pod of each kind, by address: its service and the port's name.
func (r *run) targets(ctx context.Context) (map[string]string, error) {
	targets := map[string]string{}
	for _, service := range append(slices.Clone(services), "mongodb", "redis") {
		pods, err := r.pods(ctx, service)
		if err != nil {
			return nil, err
		}
		if len(pods) == 0 {
			return nil, fmt.Errorf("no pod of %s is ready", service)
		}
		p := pods[len(pods)-1]
		for _, port := range p.Spec.Containers[0].Ports {
			if service == "mongodb" || service == "redis" {
				port.Name = service
			}
			targets[net.JoinHostPort(p.Status.PodIP, strconv.Itoa(port.ContainerPort))] = service + " " + port.Name
		}
	}
	return targets, nil
}

// startStranger starts a pod without a label of ours.
func (r *run) startStranger(ctx context.Context) error {
	manifest := fmt.Sprintf(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":%q,"namespace":%q},"spec":{"securityContext":{"runAsNonRoot":true,"runAsUser":65532,
"seccompProfile":{"type":"RuntimeDefault"}},"containers":[{"name":"pause","image":%q,"args":["-admin-addr=127.0.0.1:0"],"workingDir":"/data",
"securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}}]}}`, stranger, r.namespace, r.repository+"/confab:"+r.tag)
	if _, err := command(ctx, manifest, "kubectl", "apply", "-f", "-"); err != nil {
		return err
	}
	_, err := r.in(ctx, "wait", "--for=condition=Ready", "pod/"+stranger, "--timeout=1m")
	return err
}

// reach runs the program of that name in the network of the first pod of a kind, and tells of each address whether it took a connection. A pod's own are left
// out: no policy stands in between.
func (r *run) reach(ctx context.Context, from string, targets map[string]string) (map[string]bool, error) {
	name, own := stranger, "none"
	if from != stranger {
		pods, err := r.pods(ctx, from)
		if err != nil {
			return nil, err
		}
		name, own = pods[0].Metadata.Name, pods[0].Status.PodIP
	}
	container := fmt.Sprintf("reach-%d", time.Now().Unix())
	args := []string{"debug", name, "--image=" + r.repository + "/reach:" + r.tag, "--profile=restricted", "--container=" + container, "--attach=false", "--quiet", "--", "/program"}
	others := 0
	for address := range targets {
		if !strings.HasPrefix(address, own+":") {
			args = append(args, address)
			others++
		}
	}
	if _, err := r.in(ctx, args...); err != nil {
		return nil, err
	}
	reached := map[string]bool{}
	err := eventually(ctx, 2*time.Minute, func() (bool, string, error) {
		log, _ := r.in(ctx, "logs", name, "-c", container) // an error before it has started
		if strings.Count(log, "\n") < others {
			return false, name + " does not say what it reaches: " + log, nil
		}
		for line := range strings.Lines(log) {
			state, address, _ := strings.Cut(strings.TrimSpace(line), " ")
			reached[address] = state == "open"
		}
		return true, "", nil
	})
	return reached, err
}
