package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/confab-chat/confab/e2e/chaos"
)

// rare is for what takes an hour, light for what takes as long as it takes; full is ten messages a second in ten rooms of twenty readers.
var (
	rare  = chaos.Load{Rooms: 5, Readers: 50, Writers: 1, Every: 5 * time.Second, Most: 6000}
	light = chaos.Load{Rooms: 5, Readers: 50, Writers: 1, Every: time.Second, Most: 6000}
	full  = chaos.Load{Rooms: 10, Readers: 200, Writers: 1, Every: time.Second, Most: 6000}
)

// under has the load on Confab while something happens, and says what the readers saw of it.
func (r *run) under(ctx context.Context, load chaos.Load, during func(ctx context.Context) error) (string, error) {
	report, err := chaos.Observe(ctx, r.url(), load, 1, during)
	if err != nil {
		return "", err
	}
	said := fmt.Sprintf("%d acknowledged, %d delivered; %d lost, %d doubled, %d reordered; %d sockets connected again; %d tries again, %d at most for one send; slowest delivery %.1f s, send p99 %.1f s",
		report.Acknowledged, report.Deliveries, report.Lost.Client, report.Doubled.Client, report.Reordered.Client, report.SocketsCut, report.Again, report.Most,
		report.Slowest.Seconds(), chaos.Quantile(report.Sends, .99).Seconds())
	if !report.OK() {
		return said, fmt.Errorf("%s: %s", said, strings.Join(report.Problems, "; "))
	}
	return said, nil
}

func (r *run) scale(ctx context.Context) (string, error) {
	return r.under(ctx, light, func(ctx context.Context) error {
		for _, replicas := range []string{"4", "2"} {
			if _, err := r.in(ctx, "scale", "deployment/"+release+"-realtime-svc", "--replicas="+replicas); err != nil {
				return err
			}
			if err := r.rolledOut(ctx, "realtime-svc"); err != nil {
				return err
			}
			time.Sleep(30 * time.Second) // for the drain of those that go
		}
		return nil
	})
}

// rollAll rolls to the next version, and after half of the time back.
func (r *run) rollAll(ctx context.Context) (string, error) {
	return r.under(ctx, full, func(ctx context.Context) error {
		for range 2 {
			half := time.After(r.roll / 2)
			if err := r.deploy(ctx, r.next); err != nil {
				return err
			}
			r.tag, r.next = r.next, r.tag
			<-half
		}
		return nil
	})
}

// kill ends each pod without a word, and waits until there is another one.
func (r *run) kill(ctx context.Context) (string, error) {
	killed := 0
	said, err := r.under(ctx, light, func(ctx context.Context) error {
		for _, service := range services {
			pods, err := r.pods(ctx, service)
			if err != nil {
				return err
			}
			for _, p := range pods {
				if _, err := r.in(ctx, "delete", "pod", p.Metadata.Name, "--grace-period=0", "--force"); err != nil {
					return err
				}
				killed++
				if err := r.wait(ctx, service, len(pods)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return fmt.Sprintf("%d pods; %s", killed, said), err
}

// evict asks both gateways to go: the budget lets one.
func (r *run) evict(ctx context.Context) (string, error) {
	said, err := r.under(ctx, light, func(ctx context.Context) error {
		pods, err := r.pods(ctx, "realtime-svc")
		if err != nil {
			return err
		}
		refused := 0
		for _, p := range pods {
			eviction := fmt.Sprintf(`{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":%q,"namespace":%q}}`, p.Metadata.Name, r.namespace)
			_, err := command(ctx, eviction, "kubectl", "create", "--raw", "/api/v1/namespaces/"+r.namespace+"/pods/"+p.Metadata.Name+"/eviction", "-f", "-")
			switch {
			case err == nil:
			case strings.Contains(err.Error(), "disruption budget"):
				refused++
			default:
				return err
			}
		}
		if refused != len(pods)-1 {
			return fmt.Errorf("of %d evictions at once %d are refused, want all but one", len(pods), refused)
		}
		return r.rolledOut(ctx, "realtime-svc")
	})
	return "one went, the other was refused; " + said, err
}
