package config_test

import (
	"errors"
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/confab-chat/confab/pkg/config"
)

func TestFlagComesBeforeEnvironmentBeforeDefault(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		env  map[string]string
		want string
	}{
		"a default":                     {nil, nil, "default"},
		"the environment":               {nil, map[string]string{"CONFAB_DATA_DIR": "env"}, "env"},
		"a flag, whatever is around it": {[]string{"-data-dir", "flag"}, map[string]string{"CONFAB_DATA_DIR": "env"}, "flag"},
		"an empty variable is no value": {nil, map[string]string{"CONFAB_DATA_DIR": ""}, "default"},
	} {
		t.Run(name, func(t *testing.T) {
			fs := flag.NewFlagSet("confab", flag.ContinueOnError)
			dir := fs.String("data-dir", "default", "")
			err := config.Parse(fs, test.args, func(k string) string { return test.env[k] })
			if err != nil || *dir != test.want {
				t.Fatalf("%q, %v; want %q", *dir, err, test.want)
			}
		})
	}
}

func TestWrongValueIsNamed(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		env  map[string]string
		want string
	}{
		"an unknown flag":      {[]string{"-prot", "1"}, nil, "-prot"},
		"a flag's value":       {[]string{"-port", "x"}, nil, "-port"},
		"a variable's value":   {nil, map[string]string{"CONFAB_PORT": "x"}, "CONFAB_PORT"},
		"an argument too many": {[]string{"serve"}, nil, `"serve"`},
	} {
		t.Run(name, func(t *testing.T) {
			fs := flag.NewFlagSet("confab", flag.ContinueOnError)
			fs.SetOutput(io.Discard)
			fs.Int("port", 1, "")
			err := config.Parse(fs, test.args, func(k string) string { return test.env[k] })
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("the error is %v, want one that names %s", err, test.want)
			}
		})
	}
}

func TestArgumentMayStandAnywhere(t *testing.T) {
	for args, want := range map[string]string{
		"FILE": "FILE", "FILE -n 1": "FILE", "-n 1 FILE": "FILE", "-n 1": "", "FILE OTHER": "", "FILE -n 1 OTHER": "",
	} {
		fs := flag.NewFlagSet("confab backup", flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		fs.Int("n", 0, "")
		got, err := config.ParseWithArgument(fs, "FILE", strings.Fields(args), func(string) string { return "" })
		if got != want && err == nil || (err != nil) != (want == "") {
			t.Errorf("%q gives %q, %v; want %q", args, got, err, want)
		}
	}
}

func TestHelpNamesEachFlag(t *testing.T) {
	var out strings.Builder
	fs := flag.NewFlagSet("confab", flag.ContinueOnError)
	fs.SetOutput(&out)
	secret := config.Secret("redis://:hunter2@localhost")
	fs.Var(&secret, "redis-url", "`URL` of Redis")
	fs.Bool("pprof", false, "serve profiles")
	if err := config.Parse(fs, []string{"-h"}, func(string) string { return "" }); !errors.Is(err, flag.ErrHelp) {
		t.Fatalf("-h gives %v", err)
	}
	want := "Usage: confab [flags]\n\nEach flag may be given in the environment instead: -some-flag as CONFAB_SOME_FLAG.\n\n" +
		"  -pprof\n        serve profiles\n  -redis-url URL\n        URL of Redis (default ***)\n"
	if out.String() != want {
		t.Fatalf("the usage is\n%s\nwant\n%s", out.String(), want)
	}
}

func TestOnlyABareAddressOfASecretIsShown(t *testing.T) {
	for secret, want := range map[string]string{
		"":                                 "",
		"hunter2":                          "***",
		"redis://127.0.0.1:6379":           "redis://127.0.0.1:6379",
		"redis://:hunter2@127.0.0.1:6379":  "***",
		"mongodb://127.0.0.1:27017/":       "mongodb://127.0.0.1:27017/",
		"redis://h:6379?password=hunter2":  "***",
		"redis://h:6379/hunter2":           "***",
		"redis://h:6379#hunter2":           "***",
		"mongodb://u:hunter2@a:1,b:2/chat": "***",
		"mongodb://u:hun/ter2@a:1":         "***",
		"redis:hunter2":                    "***",
		"//hunter2":                        "***",
	} {
		if s := config.Secret(secret); s.String() != want || s.LogValue() != want {
			t.Errorf("%q is shown as %q, want %q", secret, s.String(), want)
		}
	}
}
