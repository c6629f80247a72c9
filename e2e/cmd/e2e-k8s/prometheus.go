package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/confab-chat/confab/pkg/pause"
)

// series is one of a query's: by its labels its value, or those of a range of time.
type series struct {
	Metric map[string]string
	Values [][2]any // each a time and a number as text
}

const (
	askTries = 5 // in vain, before an hour's wait is given up
	askWait  = 10 * time.Second
)

// ask asks the Prometheus that scrapes the pods, again where it does not answer.
func (r *run) ask(ctx context.Context, path string, query url.Values) (found []series, err error) {
	for range askTries {
		if found, err = r.askOnce(ctx, path, query); err == nil || !pause.For(ctx, askWait) {
			break
		}
	}
	return found, err
}

func (r *run) askOnce(ctx context.Context, path string, query url.Values) ([]series, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.prometheus+"/api/v1/"+path+"?"+query.Encode(), http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var answer struct {
		Error string
		Data  struct{ Result []series }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if answer.Error != "" {
		return nil, fmt.Errorf("%s: %s", query.Get("query"), answer.Error)
	}
	return answer.Data.Result, nil
}

// sayPanels prints what the dashboards showed since begin, where there is a Prometheus.
func (r *run) sayPanels(ctx context.Context, begin time.Time) error {
	if r.prometheus == "" {
		return nil
	}
	said, err := r.panels(ctx, begin)
	fmt.Println("\n" + said)
	return err
}

// panels asks each panel's queries for the time from begin to now, and says of which none had a series that was not zero.
func (r *run) panels(ctx context.Context, begin time.Time) (string, error) {
	files, err := filepath.Glob(chart + "/files/dashboards/*.json")
	if err != nil {
		return "", err
	}
	all, zero := 0, []string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		var dashboard struct{ Panels []panel }
		if err := json.Unmarshal(text, &dashboard); err != nil {
			return "", err
		}
		for _, p := range dashboard.Panels {
			shown, err := r.shows(ctx, p, begin)
			if err != nil {
				return "", fmt.Errorf("the panel %q: %w", p.Title, err)
			}
			all++
			if !shown {
				zero = append(zero, p.Title)
			}
		}
	}
	return fmt.Sprintf("%d of %d panels showed something, and nothing: %s", all-len(zero), all, strings.Join(zero, "; ")), nil
}

// panel is one of a dashboard.
type panel struct {
	Title   string
	Targets []struct{ Expr string }
}

func (r *run) shows(ctx context.Context, p panel, begin time.Time) (bool, error) {
	for _, target := range p.Targets {
		if moved, err := r.moved(ctx, target.Expr, begin); err != nil || moved {
			return moved, err
		}
	}
	return false, nil
}

// moved reports whether a query was anything but zero since begin.
func (r *run) moved(ctx context.Context, expr string, begin time.Time) (bool, error) {
	expr = strings.NewReplacer("$namespace", r.namespace, "$__rate_interval", "2m", "$__interval", "30s").Replace(expr)
	found, err := r.ask(ctx, "query_range", url.Values{
		"query": {expr}, "step": {"15"}, "start": {strconv.FormatInt(begin.Unix(), 10)}, "end": {strconv.FormatInt(time.Now().Unix(), 10)},
	})
	for _, s := range found {
		for _, v := range s.Values {
			if n, _ := strconv.ParseFloat(fmt.Sprint(v[1]), 64); n > 0 || n < 0 { // and not NaN
				return true, err
			}
		}
	}
	return false, err
}
