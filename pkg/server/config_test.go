package server_test

import (
	"bytes"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/server"
	"github.com/confab-chat/confab/pkg/server/servertest"
	"github.com/confab-chat/confab/pkg/tracing"
)

func parse(t *testing.T, c *server.Config, args ...string) error {
	t.Helper()
	fs := flag.NewFlagSet("confab", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	c.RegisterFlags(fs)
	return config.Parse(fs, args, func(string) string { return "" })
}

func TestFlagsConfigureTheProgram(t *testing.T) {
	c := server.Config{HTTPAddr: ":3001", InternalAddr: ":3101", AdminAddr: "127.0.0.1:3201"}
	err := parse(t, &c, "-http-addr", ":1", "-internal-addr", ":2", "-log-level", "warn", "-pprof",
		"-allowed-origins", "https://a.example, https://b.example", "-trusted-proxies", "10.0.0.0/8,fd00::/8", "-trace-endpoint", "http://c:4318", "-trace-ratio", "0.5")
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTPAddr != ":1" || c.InternalAddr != ":2" || c.AdminAddr != "127.0.0.1:3201" || c.LogLevel != slog.LevelWarn || !c.PProf {
		t.Fatalf("the configuration is %+v", c)
	}
	if c.HTTP.AllowedOrigins.Has("http://localhost:8080") || !c.HTTP.AllowedOrigins.Has("https://b.example") || c.HTTP.TrustedProxies.String() != "10.0.0.0/8,fd00::/8" {
		t.Fatalf("the configuration is %+v", c.HTTP)
	}
	if c.Tracing != (tracing.Config{Endpoint: "http://c:4318", Ratio: 0.5}) {
		t.Fatalf("the configuration is %+v", c.Tracing)
	}
}

func TestDefaultsAndWrongFlags(t *testing.T) {
	var c server.Config
	if err := parse(t, &c); err != nil || !c.HTTP.AllowedOrigins.Has("http://localhost:8080") || len(c.HTTP.TrustedProxies) != 0 {
		t.Fatalf("%+v, %v", c.HTTP, err)
	}
	for _, args := range []string{"-trusted-proxies 10.0.0.1", "-trusted-proxies x", "-log-level loud", "-internal-addr :1"} {
		if err := parse(t, new(server.Config), strings.Fields(args)...); err == nil {
			t.Errorf("%s is taken", args) // a program without internal routes has no address for them
		}
	}
}

func TestLogIsJSONFromItsLevelOn(t *testing.T) {
	var out bytes.Buffer
	log := (&server.Config{LogLevel: slog.LevelWarn}).NewLog(&out)
	log.Info("quiet")
	log.Warn("loud", "count", 1)
	if text := out.String(); strings.Contains(text, "quiet") || !strings.Contains(text, `"msg":"loud","count":1}`) {
		t.Fatalf("the log is %s", text)
	}
}

func TestEnvNamesTheServiceInLogAndMetrics(t *testing.T) {
	var out bytes.Buffer
	env := servertest.Env(t, nil)
	env.Log = slog.New(slog.NewJSONHandler(&out, nil))
	for _, name := range []string{"a-svc", "b-svc"} { // the same metric of both, in one process
		one := env.For(name)
		one.NewChain(name, nil)
		one.Log.Info("here")
	}
	if text := out.String(); !strings.Contains(text, `"service":"a-svc"`) || !strings.Contains(text, `"service":"b-svc"`) {
		t.Fatalf("the log is %s", text)
	}
}

func TestOnlyThePublicHandlerKnowsOrigins(t *testing.T) {
	env := servertest.Env(t, nil)
	routes := []httpkit.Route{{Pattern: "GET /x", Handler: http.NotFoundHandler()}}
	for name, test := range map[string]struct {
		handler http.Handler
		want    string
	}{
		"public": {env.PublicHandler(routes), "http://localhost:8080"}, "internal": {env.InternalHandler(routes), ""},
	} {
		t.Run(name, func(t *testing.T) {
			r, w := httptest.NewRequest(http.MethodGet, "/x", http.NoBody), httptest.NewRecorder()
			r.Header.Set("Origin", "http://localhost:8080")
			test.handler.ServeHTTP(w, r)
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != test.want || w.Header().Get("X-Request-Id") == "" {
				t.Fatalf("the header is %v", w.Header())
			}
		})
	}
}
