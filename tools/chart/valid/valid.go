package valid

import (
	"bytes"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"
)

// Check says what is wrong with an object.
func (s *Schemas) Check(manifest []byte) error {
	asJSON, err := yaml.YAMLToJSONStrict(manifest)
	if err != nil {
		return err
	}
	object, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		return err
	}
	schema, err := s.of(kind{text(object, "apiVersion"), text(object, "kind")})
	if err != nil {
		return err
	}
	if err := schema.Validate(object); err != nil {
		return err
	}
	return checkNames(object)
}

func (s *Schemas) of(k kind) (*jsonschema.Schema, error) {
	if schema := s.compiled[k]; schema != nil {
		return schema, nil
	}
	url := s.at[k]
	if url == "" {
		return nil, fmt.Errorf("%s %s is no known kind", k.apiVersion, k.name)
	}
	schema, err := s.compiler.Compile(url)
	if err != nil {
		return nil, err
	}
	s.compiled[k] = schema
	return schema, nil
}

// closeObjects has a schema refuse the fields that it does not name. It leaves alone what it combines: each part names only some.
func closeObjects(schema any) {
	s, ok := schema.(map[string]any)
	if !ok {
		return
	}
	properties := table(s["properties"])
	_, open := s["additionalProperties"]
	if len(properties) > 0 && !open && s["x-kubernetes-preserve-unknown-fields"] != true {
		s["additionalProperties"] = false
	}
	for _, property := range properties {
		closeObjects(property)
	}
	closeObjects(s["items"])
	closeObjects(s["additionalProperties"])
}

// table returns the object at the path below v: empty where there is none.
func table(v any, path ...string) map[string]any {
	m, _ := v.(map[string]any)
	for _, key := range path {
		m, _ = m[key].(map[string]any)
	}
	return m
}

func text(v any, key string) string {
	s, _ := table(v)[key].(string)
	return s
}
