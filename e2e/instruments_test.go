package e2e_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// instruments are the metrics that the code makes, and what it says to them.
type instruments struct {
	metrics map[string]instrument
	texts   map[string]bool // all string literals: a label's value is one of them
}

type instrument struct {
	kind   string   // Counter, Gauge or Histogram; empty where that cannot be told
	labels []string // of its own
}

// targetLabels are those that a metric has from elsewhere.
var targetLabels = []string{"namespace", "pod", "instance", "job", "service"}

var loadInstruments = sync.OnceValues(func() (*instruments, error) {
	code := &instruments{metrics: map[string]instrument{}, texts: map[string]bool{}}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{"node_modules", "e2e", "tools"}, d.Name()):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err == nil {
			ast.Inspect(file, code.note)
		}
		return err
	})
	return code, err
})

func theInstruments(t *testing.T) *instruments {
	t.Helper()
	code, err := loadInstruments()
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// note takes what a piece of the code says of metrics.
func (i *instruments) note(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.BasicLit:
		if n.Kind == token.STRING {
			i.texts[textOf(n)] = true
		}
	case *ast.CallExpr:
		made, ok := n.Fun.(*ast.SelectorExpr)
		if !ok || !strings.HasPrefix(made.Sel.Name, "New") {
			break
		}
		if texts := textsOf(n); len(texts) > 1 && strings.HasPrefix(texts[0], "confab_") {
			kind := regexp.MustCompile(`Counter|Gauge|Histogram`).FindString(made.Sel.Name)
			i.metrics[texts[0]] = instrument{kind, texts[2:]} // behind its help
		}
	}
	return true
}

// textsOf returns the string literals in the arguments of a call, but not those in functions.
func textsOf(call *ast.CallExpr) []string {
	var texts []string
	for _, argument := range call.Args {
		ast.Inspect(argument, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				texts = append(texts, textOf(literal))
			}
			_, inside := n.(*ast.FuncLit)
			return !inside
		})
	}
	return texts
}

func textOf(literal *ast.BasicLit) string {
	text, _ := strconv.Unquote(literal.Value) // it compiles
	return text
}

// base returns the metric that a series belongs to.
func (i *instruments) base(series string) string {
	for _, suffix := range []string{"_bucket", "_count", "_sum"} {
		if name, ok := strings.CutSuffix(series, suffix); ok && i.metrics[name].kind == "Histogram" {
			return name
		}
	}
	return series
}

// use is a metric in an expression, and what is asked of its labels.
type use struct {
	name     string
	matchers [][]string // each the label, the operator and the value
}

var (
	selector = regexp.MustCompile(`\b(confab_[a-z0-9_]+)(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"`)
	grouping = regexp.MustCompile(`\bby\s*\(([^)]*)\)`)
)

func uses(expr string) []use {
	var all []use
	for _, found := range selector.FindAllStringSubmatch(expr, -1) {
		u := use{name: found[1]}
		for _, m := range matcher.FindAllStringSubmatch(found[2], -1) {
			u.matchers = append(u.matchers, m[1:])
		}
		all = append(all, u)
	}
	return all
}

// check returns what the expression asks for that the code does not make.
func (i *instruments) check(expr string) []string {
	var problems []string
	known := slices.Clone(targetLabels)
	for _, u := range uses(expr) {
		metric, ok := i.metrics[i.base(u.name)]
		if !ok || metric.kind == "Histogram" && i.base(u.name) == u.name {
			problems = append(problems, "nobody registers "+u.name)
		}
		labels := slices.Concat(metric.labels, targetLabels)
		if strings.HasSuffix(u.name, "_bucket") {
			labels = append(labels, "le")
		}
		known = append(known, labels...)
		for _, m := range u.matchers {
			if !slices.Contains(labels, m[0]) {
				problems = append(problems, fmt.Sprintf("%s has no label %s", u.name, m[0]))
			}
			for value := range strings.SplitSeq(m[2], "|") {
				if value != "$namespace" && !i.texts[value] {
					problems = append(problems, fmt.Sprintf("nothing says %s=%q", m[0], value))
				}
			}
		}
	}
	for _, group := range grouping.FindAllStringSubmatch(expr, -1) {
		for label := range strings.SplitSeq(group[1], ",") {
			if label = strings.TrimSpace(label); !slices.Contains(known, label) {
				problems = append(problems, "no metric has the label "+label)
			}
		}
	}
	return problems
}

// The code is read by a rule of thumb: what a running Confab shows must be what was read.
func TestTheInstrumentsThatWereReadAreThoseOfARunningConfab(t *testing.T) {
	code := theInstruments(t)
	families, err := own(t).registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "confab_") {
			continue
		}
		count++
		var labels []string
		for _, pair := range family.GetMetric()[0].GetLabel() {
			if pair.GetName() != "service" { // server.Env adds it
				labels = append(labels, pair.GetName())
			}
		}
		got, ok := code.metrics[family.GetName()]
		slices.Sort(labels)
		if read := slices.Sorted(slices.Values(got.labels)); !ok || !slices.Equal(read, labels) || !strings.EqualFold(got.kind, family.GetType().String()) {
			t.Errorf("%s is a %v by %v, and was read as %+v", family.GetName(), family.GetType(), labels, got)
		}
	}
	if count < 10 || len(code.metrics) < 25 {
		t.Errorf("%d are shown, %d read", count, len(code.metrics))
	}
}

func TestWhatNoMetricHasIsFound(t *testing.T) {
	code := &instruments{
		metrics: map[string]instrument{"confab_a_total": {"Counter", []string{"kind"}}, "confab_b_seconds": {"Histogram", nil}},
		texts:   map[string]bool{"ok": true, "failed": true},
	}
	for expr, want := range map[string]int{
		`sum by (kind) (rate(confab_a_total{kind=~"ok|failed", namespace=~"$namespace"}[5m]))`: 0,
		`histogram_quantile(0.9, sum by (le) (rate(confab_b_seconds_bucket[5m])))`:             0,
		`rate(confab_c_total[5m])`:             1,
		`rate(confab_a_count[5m])`:             1,
		`confab_b_seconds`:                     1,
		`confab_b_seconds_count{kind="ok"}`:    1,
		`confab_a_total{kind=~"ok|lost"}`:      1,
		`sum by (reason) (confab_a_total)`:     1,
		`sum by (le) (confab_b_seconds_count)`: 1,
	} {
		if got := code.check(expr); len(got) != want {
			t.Errorf("%s: %v, want %d problems", expr, got, want)
		}
	}
}
