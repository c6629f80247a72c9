// Command e2e-k8s installs Confab in the cluster that kubectl points at, uses it, scales it, rolls it and breaks it, and says what became of each. It needs
// kubectl, helm, the images of two versions that the cluster can pull or has, and a namespace to itself.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	var r run
	flag.StringVar(&r.namespace, "namespace", "confab-e2e", "`name` of the namespace, which is made, and deleted at the end")
	flag.StringVar(&r.tag, "tag", "e2e-1", "`version` that is installed")
	flag.StringVar(&r.next, "next", "e2e-2", "`version` that it is rolled to")
	flag.StringVar(&r.repository, "repository", "confab", "`name` that the images' names begin with")
	flag.StringVar(&r.mongo, "mongodb-image", "mongo:8", "`image` of MongoDB, or of what stands in for it")
	flag.StringVar(&r.redis, "redis-image", "redis:8", "`image` of Redis")
	flag.IntVar(&r.port, "node-port", 30080, "`port` of web on each node")
	flag.StringVar(&r.node, "node", "127.0.0.1", "`address` of a node")
	flag.StringVar(&r.only, "only", "", "run the steps whose name holds `text`, on what an earlier run with -keep left")
	flag.StringVar(&r.more, "values", "", "`file` of values for the release, such as your registry's secrets, or smaller requests for a small cluster")
	flag.StringVar(&r.prometheus, "prometheus", "", "`URL` of the Prometheus that scrapes the pods; empty: the dashboards' panels are not asked")
	flag.BoolVar(&r.alerts, "alerts", false, "bring about what the alerts are about instead, and wait until each fires: an hour and a half; -prometheus evaluates them")
	flag.BoolVar(&r.keep, "keep", false, "keep the namespace")
	flag.DurationVar(&r.roll, "roll", 5*time.Minute, "`time` under load in which all services are rolled")
	flag.Parse()
	if r.alerts && r.prometheus == "" {
		fmt.Fprintln(os.Stderr, "e2e-k8s: -alerts needs -prometheus")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := r.all(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e-k8s:", err)
		os.Exit(1)
	}
}

// run is one pass over a cluster.
type run struct {
	namespace, tag, next, repository, mongo, redis, node, only, prometheus, more string
	port                                                                         int
	keep, alerts                                                                 bool
	roll                                                                         time.Duration
	expired                                                                      string // a token that has expired
}

// step does one thing, and says in some words how it went.
type step struct {
	name string
	do   func(ctx context.Context) (string, error)
}

func (r *run) steps() []step {
	if r.alerts {
		return append([]step{{"helm install", r.install}}, r.faultSteps()...)
	}
	return []step{
		{"wrong values are refused", r.wrongValues},
		{"a missing secret, a database that is away", r.notReady},
		{"helm install", r.install},
		{"helm test", r.helmTest},
		{"who reaches whom", r.edges},
		{"all services to the next version", r.rollAll}, // early: the stand-in for MongoDB slows down with what it holds
		{"realtime-svc from 2 to 4 and back", r.scale},
		{"pods killed one by one", r.kill},
		{"evictions", r.evict},
		{"CPU autoscaling", r.autoscale},
		{"a wrong image, with --atomic", r.wrongImage},
		{"helm uninstall", r.uninstall},
		{"the suite, through web's NodePort", r.suite}, // on a release of its own, for the same reason
		{"kubectl apply -k", r.kustomize},
	}
}

// all runs the steps, each though one before it failed, but for the first install.
func (r *run) all(ctx context.Context) error {
	if err := r.prepare(ctx); err != nil {
		return err
	}
	begin, failed := time.Now(), 0
	fmt.Println("| step | took | |\n|---|---|---|")
	for _, s := range r.steps() {
		if !strings.Contains(s.name, r.only) {
			continue
		}
		err := s.take(ctx)
		if err != nil {
			failed++
		}
		if ctx.Err() != nil || err != nil && s.name == "helm install" {
			break
		}
	}
	err := r.sayPanels(ctx, begin)
	if failed > 0 {
		err = errors.Join(err, fmt.Errorf("%d steps failed", failed))
	}
	if !r.keep {
		_, deleted := kubectl(context.WithoutCancel(ctx), "delete", "namespace", r.namespace, "--ignore-not-found")
		err = errors.Join(err, deleted)
	}
	return err
}

// take does the step and prints how it went.
func (s step) take(ctx context.Context) error {
	begin := time.Now()
	said, err := s.do(ctx)
	if err != nil {
		said = strings.TrimSpace("**failed** " + said)
	}
	fmt.Printf("| %s | %v | %s |\n", s.name, time.Since(begin).Round(time.Second), said)
	if err != nil {
		fmt.Fprintf(os.Stderr, "  ! %s: %v\n", s.name, err)
	}
	return err
}

// prepare makes the namespace, in which pods have to be restricted. One that it has not made it leaves alone.
func (r *run) prepare(ctx context.Context) error {
	if label, err := kubectl(ctx, "get", "namespace", r.namespace, "-o", "jsonpath={.metadata.labels.confab-e2e}"); err == nil {
		if label != "made" {
			return fmt.Errorf("the namespace %s is not of an earlier run: name another one with -namespace", r.namespace)
		}
		return nil
	}
	if _, err := kubectl(ctx, "create", "namespace", r.namespace); err != nil {
		return err
	}
	_, err := kubectl(ctx, "label", "namespace", r.namespace, "confab-e2e=made", "pod-security.kubernetes.io/enforce=restricted")
	return err
}

func (r *run) url() string { return fmt.Sprintf("http://%s:%d", r.node, r.port) }
