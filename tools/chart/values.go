package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	valuesDoc = "docs/kubernetes.md"
	begin     = "<!-- values -->\n"
	end       = "<!-- /values -->"
)

// newDoc is where the table goes while there is no page.
const newDoc = "# Kubernetes\n\nConfab is installed by its Helm chart, k8s/helm/confab.\n\n" + begin + end + "\n"

// valuesFiles is the page with the table of now.
func valuesFiles(root string) (files, error) {
	source, err := os.ReadFile(filepath.Join(root, chartDir, "values.yaml")) //nolint:gosec // of this repository
	if err != nil {
		return nil, err
	}
	table, err := valuesTable(source)
	if err != nil {
		return nil, err
	}
	page, err := os.ReadFile(filepath.Join(root, valuesDoc)) //nolint:gosec // of this repository
	if errors.Is(err, os.ErrNotExist) {
		page, err = []byte(newDoc), nil
	}
	if err != nil {
		return nil, err
	}
	before, rest, found := bytes.Cut(page, []byte(begin))
	_, after, closed := bytes.Cut(rest, []byte(end))
	if !found || !closed {
		return nil, fmt.Errorf("%s lacks %s or %s", valuesDoc, strings.TrimSpace(begin), end)
	}
	return files{valuesDoc: fmt.Appendf(nil, "%s%s%s%s%s", before, begin, table, end, after)}, nil
}

func valuesTable(source []byte) (string, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(source, &document); err != nil {
		return "", err
	}
	var text strings.Builder
	text.WriteString("| Value | Default | |\n| --- | --- | --- |\n")
	if err := addRows(&text, "", document.Content[0]); err != nil {
		return "", err
	}
	return text.String(), nil
}

// addRows adds a row for each value, and one for each comment above a block of them. What is written on one line is one value.
func addRows(text *strings.Builder, above string, block *yaml.Node) error {
	for i := 0; i+1 < len(block.Content); i += 2 {
		key, value := block.Content[i], block.Content[i+1]
		path, says := above+key.Value, comment(key)
		if value.Kind == yaml.MappingNode && value.Style&yaml.FlowStyle == 0 {
			if says != "" {
				fmt.Fprintf(text, "| `%s` | | %s |\n", path, says)
			}
			if err := addRows(text, path+".", value); err != nil {
				return err
			}
			continue
		}
		standard, err := oneLine(value)
		if err != nil {
			return err
		}
		fmt.Fprintf(text, "| `%s` | `%s` | %s |\n", path, standard, says)
	}
	return nil
}

// comment is what stands directly above the key.
func comment(key *yaml.Node) string {
	paragraphs := strings.Split(key.HeadComment, "\n\n")
	last := strings.ReplaceAll(paragraphs[len(paragraphs)-1], "\n", " ")
	says := strings.ReplaceAll(strings.TrimPrefix(last, "# "), " # ", " ")
	return strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(says)
}

// oneLine is the value as values.yaml has it.
func oneLine(value *yaml.Node) (string, error) {
	bare := *value
	bare.HeadComment, bare.LineComment, bare.FootComment = "", "", ""
	out, err := yaml.Marshal(&bare)
	if err != nil {
		return "", err
	}
	return strings.ReplaceAll(strings.TrimSpace(string(out)), "|", `\|`), nil
}
