// Package render renders Confab's Helm chart without a cluster.
package render

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"sigs.k8s.io/yaml"
)

// KubeVersion is that of the cluster that the chart is rendered for.
var KubeVersion = chartutil.KubeVersion{Version: "v1.34.0", Major: "1", Minor: "34"}

// Release is what a chart is rendered for.
type Release struct {
	Chart     string // its directory
	Name      string
	Namespace string
	Values    map[string]any
}

// Object is one rendered object.
type Object struct {
	Template   string // such as deployments.yaml
	Manifest   []byte // as it was rendered
	APIVersion string
	Kind       string
	Name       string
	Labels     map[string]string
	Hook       string // when helm makes it, such as test; empty: with the release
}

var separator = regexp.MustCompile(`(?m)^---$`)

// Objects renders the release's first install: by template, in their order there. Nothing is looked up in a cluster.
func (r Release) Objects() ([]Object, error) {
	files, err := r.files()
	if err != nil {
		return nil, err
	}
	var all []Object
	for name, text := range files {
		template := path.Base(name)
		if strings.HasPrefix(template, "_") || template == "NOTES.txt" {
			continue
		}
		for _, manifest := range separator.Split(text, -1) {
			o, err := parse([]byte(manifest))
			if err != nil {
				return nil, fmt.Errorf("%s: %w\n%s", name, err, manifest)
			}
			if o.Kind != "" {
				o.Template = template
				all = append(all, o)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Object) int { return cmp.Compare(a.Template, b.Template) })
	return all, nil
}

func (r Release) files() (map[string]string, error) {
	c, err := loader.LoadDir(r.Chart)
	if err != nil {
		return nil, err
	}
	caps := chartutil.DefaultCapabilities.Copy()
	caps.KubeVersion = KubeVersion
	if need := c.Metadata.KubeVersion; need != "" && !chartutil.IsCompatibleRange(need, KubeVersion.Version) {
		return nil, fmt.Errorf("the chart needs Kubernetes %s, and this is %s", need, KubeVersion.Version)
	}
	options := chartutil.ReleaseOptions{Name: r.Name, Namespace: r.Namespace, Revision: 1, IsInstall: true}
	values, err := chartutil.ToRenderValues(c, r.Values, options, caps)
	if err != nil {
		return nil, err
	}
	return engine.Render(c, values)
}

// parse refuses a key that is there twice, as the API server does. A document without content has no kind.
func parse(manifest []byte) (Object, error) {
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct {
			Name        string            `json:"name"`
			Labels      map[string]string `json:"labels"`
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
	}
	var whole map[string]any
	if err := yaml.UnmarshalStrict(manifest, &whole); err != nil {
		return Object{}, err
	}
	if len(whole) == 0 {
		return Object{}, nil
	}
	if err := yaml.Unmarshal(manifest, &head); err != nil {
		return Object{}, err
	}
	if head.APIVersion == "" || head.Kind == "" || head.Metadata.Name == "" {
		return Object{}, fmt.Errorf("apiVersion, kind or name is missing")
	}
	return Object{
		Manifest: manifest, APIVersion: head.APIVersion, Kind: head.Kind, Name: head.Metadata.Name,
		Labels: head.Metadata.Labels, Hook: head.Metadata.Annotations["helm.sh/hook"],
	}, nil
}
