// Package valid says whether an object is one that Kubernetes takes: by the OpenAPI schemas of its own kinds, and by the CustomResourceDefinitions of others.
// The rules that a CustomResourceDefinition writes in CEL, and what the API server checks in code, are not among it.
package valid

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"
)

// Version is that of Kubernetes whose schemas are used: the newest one that the module has.
const Version = "1.30"

// Where the modules keep what is read of them.
var (
	builtins    = source{"sigs.k8s.io/kubectl-validate", "pkg/openapiclient/builtins/" + Version}
	definitions = []source{
		{"sigs.k8s.io/gateway-api", "config/crd/standard"},
		{"github.com/prometheus-operator/prometheus-operator", "example/prometheus-operator-crd"},
	}
)

type source struct{ module, dir string }

const objectMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

// kind is apiVersion and kind.
type kind struct{ apiVersion, name string }

// Schemas are those of all kinds.
type Schemas struct {
	compiler *jsonschema.Compiler
	at       map[kind]string // the schema's URL
	compiled map[kind]*jsonschema.Schema
}

// Load reads the schemas from the module cache; root is the directory of a module that requires their modules.
func Load(ctx context.Context, root string) (*Schemas, error) {
	s := &Schemas{compiler: jsonschema.NewCompiler(), at: map[kind]string{}, compiled: map[kind]*jsonschema.Schema{}}
	s.compiler.DefaultDraft(jsonschema.Draft7)
	meta, err := s.loadBuiltins(ctx, root)
	if err != nil {
		return nil, err
	}
	for _, from := range definitions {
		if err := s.loadDefinitions(ctx, root, from, meta); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// files returns the paths in the source that the pattern fits.
func (from source) files(ctx context.Context, root string, patterns ...string) ([]string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", from.module) //nolint:gosec // a module named above
	cmd.Dir, cmd.Env = root, append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go mod download %s: %w %s", from.module, err, out)
	}
	var found struct{ Dir string }
	if err := json.Unmarshal(out, &found); err != nil {
		return nil, err
	}
	var all []string
	for _, pattern := range patterns {
		paths, err := filepath.Glob(filepath.Join(found.Dir, from.dir, pattern))
		if err != nil {
			return nil, err
		}
		all = append(all, paths...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("there are no schemas in %s of %s", from.dir, from.module)
	}
	return all, nil
}

// loadBuiltins returns the schemas of v1, in which that of metadata is.
func (s *Schemas) loadBuiltins(ctx context.Context, root string) (v1 map[string]any, err error) {
	paths, err := builtins.files(ctx, root, "api/*.json", "apis/*/*.json")
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		schemas := table(document, "components", "schemas")
		for _, schema := range schemas {
			closeObjects(schema)
		}
		if err := s.add("file://"+path, document, schemas); err != nil {
			return nil, err
		}
		if filepath.Base(filepath.Dir(path)) == "api" {
			v1 = schemas
		}
	}
	if v1[objectMeta] == nil {
		return nil, errors.New("v1 has no schema of metadata")
	}
	return v1, nil
}

// add has the compiler know the document, whose schemas say which kinds they are of.
func (s *Schemas) add(url string, document any, schemas map[string]any) error {
	if err := s.compiler.AddResource(url, document); err != nil {
		return err
	}
	for name, schema := range schemas {
		of, _ := table(schema)["x-kubernetes-group-version-kind"].([]any)
		for _, one := range of {
			group, version, k := text(one, "group"), text(one, "version"), text(one, "kind")
			if group != "" {
				version = group + "/" + version
			}
			s.at[kind{version, k}] = url + "#/components/schemas/" + name
		}
	}
	return nil
}

// loadDefinitions reads CustomResourceDefinitions, and gives each of their kinds the metadata of every object.
func (s *Schemas) loadDefinitions(ctx context.Context, root string, from source, v1 map[string]any) error {
	paths, err := from.files(ctx, root, "*.yaml")
	if err != nil {
		return err
	}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := s.addDefinition("file://"+path, raw, v1); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

func (s *Schemas) addDefinition(url string, raw []byte, v1 map[string]any) error {
	asJSON, err := yaml.YAMLToJSON(raw)
	if err != nil {
		return err
	}
	definition, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		return err
	}
	spec := table(definition, "spec")
	versions, _ := spec["versions"].([]any)
	for _, version := range versions {
		schema := table(version, "schema", "openAPIV3Schema")
		closeObjects(schema)
		table(schema, "properties")["metadata"] = map[string]any{"$ref": "#/components/schemas/" + objectMeta}
		of := map[string]any{"group": spec["group"], "version": text(version, "name"), "kind": text(spec["names"], "kind")}
		schema["x-kubernetes-group-version-kind"] = []any{of}
		schemas := maps.Clone(v1)
		schemas["Kind"] = schema
		document := map[string]any{"components": map[string]any{"schemas": schemas}}
		if err := s.add(url+"/"+text(version, "name"), document, map[string]any{"Kind": schema}); err != nil {
			return err
		}
	}
	return nil
}
