package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// kustomize installs the quickstart without helm, from a copy with the images of this run.
func (r *run) kustomize(ctx context.Context) (said string, err error) {
	dir, err := os.MkdirTemp("", "confab-kustomize-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := r.overlay(dir); err != nil {
		return "", err
	}
	begin := time.Now()
	if _, err := kubectl(ctx, "apply", "-k", filepath.Join(dir, "e2e")); err != nil {
		return "", err
	}
	for _, service := range services {
		if err := r.rolledOut(ctx, service); err != nil {
			return "", err
		}
	}
	took := time.Since(begin)
	check, err := command(ctx, "", "go", "run", "./allinone/cmd/confab", "check", "-url", r.url())
	if err == nil {
		said = fmt.Sprintf("ready after %.0f s: %.40s…", took.Seconds(), check)
		_, err = kubectl(ctx, "delete", "-k", filepath.Join(dir, "e2e"))
	}
	return said, err
}

func (r *run) overlay(dir string) error {
	for _, part := range []string{"base", "quickstart"} {
		if err := os.CopyFS(filepath.Join(dir, part), os.DirFS(filepath.Join("k8s", part))); err != nil {
			return err
		}
	}
	var images []string
	for _, service := range services {
		images = append(images, fmt.Sprintf("  - {name: confab/%s, newName: %s/%s, newTag: %s}", service, r.repository, service, r.tag))
	}
	mongo, mongoTag := nameAndTag(r.mongo)
	redis, redisTag := nameAndTag(r.redis)
	overlay := fmt.Sprintf(`apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: %s
resources: [../quickstart]
images:
%s
  - {name: mongo, newName: %s, newTag: %q}
  - {name: redis, newName: %s, newTag: %q}
patches:
  - target: {kind: Service, name: confab-web}
    patch: '[{"op": "add", "path": "/spec/type", "value": "NodePort"}, {"op": "add", "path": "/spec/ports/0/nodePort", "value": %d}]'
`, r.namespace, strings.Join(images, "\n"), mongo, mongoTag, redis, redisTag, r.port)
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "quickstart", "secret.env"), []byte("service-keys="+rand.Text()+rand.Text()+"\n"), 0o600),
		os.Mkdir(filepath.Join(dir, "e2e"), 0o750),
		os.WriteFile(filepath.Join(dir, "e2e", "kustomization.yaml"), []byte(overlay), 0o600),
	)
}

// nameAndTag cuts at the last colon: a registry's port has one, too.
func nameAndTag(image string) (name, tag string) {
	i := strings.LastIndexByte(image, ':')
	return image[:i], image[i+1:]
}
