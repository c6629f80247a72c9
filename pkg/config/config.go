// Package config fills a flag set from the command line, then the environment, then defaults: one style for every program.
package config

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
)

// Prefix begins the name of every environment variable: `-mongo-uri` is CONFAB_MONGO_URI.
const Prefix = "CONFAB_"

// EnvName returns the environment variable that stands for a flag.
func EnvName(flagName string) string {
	return Prefix + strings.ToUpper(strings.ReplaceAll(flagName, "-", "_"))
}

// Parse reads args into fs, then takes what they left unset from the environment. It returns flag.ErrHelp after printing
// the usage for -h, and an error that names the flag or variable whose value is wrong.
func Parse(fs *flag.FlagSet, args []string, getenv func(string) string) error {
	if err := parseFlags(fs, "", args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	return fromEnvironment(fs, getenv)
}

// ParseWithArgument is Parse for a command that takes one argument, which may stand before, between or behind the flags.
func ParseWithArgument(fs *flag.FlagSet, name string, args []string, getenv func(string) string) (argument string, err error) {
	for given := 0; given == 0 || fs.NArg() > 0; given++ {
		if err := parseFlags(fs, " "+name, args); err != nil {
			return "", err
		}
		if fs.NArg() == 0 && given == 0 {
			return "", fmt.Errorf("%s is missing", name)
		}
		if fs.NArg() == 0 {
			break
		}
		if given > 0 {
			return "", fmt.Errorf("unexpected argument %q", fs.Arg(0))
		}
		argument, args = fs.Arg(0), fs.Args()[1:]
	}
	return argument, fromEnvironment(fs, getenv)
}

// parseFlags leaves the printing of errors to the caller: main prints them once.
func parseFlags(fs *flag.FlagSet, arguments string, args []string) error {
	out := fs.Output()
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	err := fs.Parse(args)
	fs.SetOutput(out)
	if errors.Is(err, flag.ErrHelp) {
		usage(fs, arguments)
	}
	return err
}

func fromEnvironment(fs *flag.FlagSet, getenv func(string) string) error {
	set := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { set[f.Name] = true })
	var errs []error
	fs.VisitAll(func(f *flag.Flag) {
		value := getenv(EnvName(f.Name))
		if set[f.Name] || value == "" {
			return
		}
		if err := f.Value.Set(value); err != nil {
			errs = append(errs, fmt.Errorf("invalid value for %s: %w", EnvName(f.Name), err))
		}
	})
	return errors.Join(errs...)
}

func usage(fs *flag.FlagSet, arguments string) {
	w := fs.Output()
	fmt.Fprintf(w, "Usage: %s [flags]%s\n\nEach flag may be given in the environment instead: -some-flag as %s.\n\n",
		fs.Name(), arguments, EnvName("some-flag"))
	fs.VisitAll(func(f *flag.Flag) {
		kind, text := flag.UnquoteUsage(f)
		fmt.Fprintf(w, "  %s\n        %s", strings.TrimSpace("-"+f.Name+" "+kind), text)
		if f.DefValue != "" && f.DefValue != "false" {
			fmt.Fprintf(w, " (default %s)", f.DefValue)
		}
		fmt.Fprintln(w)
	})
}

// Secret is a string flag that prints as ***, unless it is a bare address: a URL of nothing but a scheme and a host has no secret in it.
type Secret string

// String returns *** where the secret is set and no bare address.
func (s *Secret) String() string {
	if s == nil || *s == "" {
		return ""
	}
	text := string(*s)
	u, err := url.Parse(text)
	if err == nil && u.Scheme != "" && u.Host != "" && strings.TrimSuffix(text, "/") == u.Scheme+"://"+u.Host {
		return text
	}
	return "***"
}

// Set takes the secret.
func (s *Secret) Set(v string) error {
	*s = Secret(v)
	return nil
}

// LogValue keeps the secret out of logs, whoever logs the configuration.
func (s Secret) LogValue() string { return s.String() }

// List is a flag of comma-separated strings, each trimmed, none empty.
type List []string

// String joins the list with commas.
func (l *List) String() string {
	if l == nil {
		return ""
	}
	return strings.Join(*l, ",")
}

// Set replaces the list.
func (l *List) Set(v string) error {
	*l = nil
	for item := range strings.SplitSeq(v, ",") {
		if item = strings.TrimSpace(item); item != "" {
			*l = append(*l, item)
		}
	}
	return nil
}

// Has reports whether the list holds v.
func (l List) Has(v string) bool { return slices.Contains(l, v) }
