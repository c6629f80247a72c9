package main

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chartutil"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/confab-chat/confab/tools/chart/render"
)

const (
	chartDir   = "k8s/helm/confab"
	base       = "k8s/base"
	baseValues = base + ".values.yaml"
	quickstart = "k8s/quickstart"
	made       = "# Made from the Helm chart by `make chart`: change the chart.\n"
)

// helmsOwn are lines that mean something to helm alone.
var helmsOwn = regexp.MustCompile(`(?m)^ *(helm\.sh/chart|app\.kubernetes\.io/managed-by|checksum/settings): .*\n`)

// baseFiles are both kustomizations, and what in their directories is there no more.
func baseFiles(root string) (files, error) {
	values, err := chartutil.ReadValuesFile(filepath.Join(root, baseValues))
	if err != nil {
		return nil, err
	}
	plain, err := objects(root, values)
	if err != nil {
		return nil, err
	}
	withStores, err := objects(root, with(values, `quickstart: {enabled: true}`))
	if err != nil {
		return nil, err
	}
	addresses, err := storeAddresses(root, values)
	if err != nil {
		return nil, err
	}
	all := files{}
	all.addBase(plain)
	all.addQuickstart(plain, withStores, addresses)
	return all, all.drop(root, base, quickstart)
}

// with is the values and those that the text sets.
func with(values map[string]any, text string) map[string]any {
	more, err := chartutil.ReadValues([]byte(text))
	if err != nil {
		panic(err)
	}
	return chartutil.CoalesceTables(more, values)
}

// objects are those of the release itself, without what is helm's.
func objects(root string, values map[string]any) ([]render.Object, error) {
	all, err := render.Release{Chart: filepath.Join(root, chartDir), Name: "confab", Namespace: "confab", Values: values}.Objects()
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(o render.Object) bool { return o.Hook != "" })
	for i := range all {
		all[i].Manifest = append(bytes.TrimSpace(helmsOwn.ReplaceAll(all[i].Manifest, nil)), '\n')
	}
	return all, nil
}

// storeAddresses are what the chart's own secret says of the quickstart's MongoDB and Redis: KEY=URL.
func storeAddresses(root string, values map[string]any) ([]string, error) {
	all, err := objects(root, with(values, `{quickstart: {enabled: true}, mongodb: {existingSecret: ""}, redis: {existingSecret: ""}}`))
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(o render.Object) bool { return o.Kind == "Secret" })
	if i < 0 {
		return nil, fmt.Errorf("the chart has no secret where it makes one")
	}
	var secret corev1.Secret
	if err := yaml.UnmarshalStrict(all[i].Manifest, &secret); err != nil {
		return nil, err
	}
	var pairs []string
	for key, value := range secret.Data {
		pairs = append(pairs, key+"="+string(value))
	}
	slices.Sort(pairs)
	return pairs, nil
}

// addBase has a file for each template.
func (f files) addBase(objects []render.Object) {
	byFile := map[string][]render.Object{}
	for _, o := range objects {
		byFile[o.Template] = append(byFile[o.Template], o)
	}
	names := slices.Sorted(maps.Keys(byFile))
	for _, name := range names {
		f[base+"/"+name] = documents(byFile[name])
	}
	f[base+"/kustomization.yaml"] = fmt.Appendf(nil, `%s# It asks for a secret, confab, with the keys mongodb-uri, redis-url and service-keys: docs/kubernetes.md says more.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
%s`, made, list(names))
}

// addQuickstart adds what the stores bring, and changes what is another thing with them.
func (f files) addQuickstart(plain, withStores []render.Object, addresses []string) {
	old := map[[2]string]string{}
	for _, o := range plain {
		old[[2]string{o.Kind, o.Name}] = string(o.Manifest)
	}
	var added, changed []render.Object
	for _, o := range withStores {
		before, there := old[[2]string{o.Kind, o.Name}]
		switch {
		case !there:
			added = append(added, o)
		case before != string(o.Manifest):
			changed = append(changed, o)
		}
	}
	f[quickstart+"/stores.yaml"] = documents(added)
	f[quickstart+"/changes.yaml"] = documents(changed)
	f[quickstart+"/kustomization.yaml"] = fmt.Appendf(nil, `%s# Confab with a MongoDB and a Redis of its own. README.md says how to make secret.env, which has the services' keys.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ../base
  - stores.yaml
patches:
  - path: changes.yaml
secretGenerator:
  - name: confab
    envs: [secret.env]
    literals:
%s`, made, strings.ReplaceAll(list(addresses), "  - ", "      - "))
}

func documents(objects []render.Object) []byte {
	texts := []string{}
	for _, o := range objects {
		texts = append(texts, string(o.Manifest))
	}
	return []byte(made + strings.Join(texts, "---\n"))
}

func list(items []string) string {
	var text strings.Builder
	for _, item := range items {
		text.WriteString("  - " + item + "\n")
	}
	return text.String()
}

// drop has the YAML files go that are in the directories and not among these.
func (f files) drop(root string, dirs ...string) error {
	for _, dir := range dirs {
		paths, err := filepath.Glob(filepath.Join(root, dir, "*.yaml"))
		if err != nil {
			return err
		}
		for _, path := range paths {
			if name := dir + "/" + filepath.Base(path); f[name] == nil {
				f[name] = nil
			}
		}
	}
	return nil
}
