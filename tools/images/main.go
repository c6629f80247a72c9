// Command images builds Confab's container images without a container engine: of each program an OCI layout as a tarball, which docker load, podman load and
// ctr images import take, and beside it an SBOM in the form of CycloneDX. The same source and flags give the same bytes. They are what the Dockerfile builds.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// config is what the flags say.
type config struct {
	source  string // the root of the repository
	out     string
	name    string // of each image, before its program's
	version string
	arch    string
}

func main() {
	var c config
	flag.StringVar(&c.source, "source", ".", "`directory` of Confab's source")
	flag.StringVar(&c.out, "out", "dist/images", "`directory` of the images")
	flag.StringVar(&c.name, "name", "confab", "`name` of the images, to which / and the program's is added")
	flag.StringVar(&c.version, "version", "dev", "`tag` of the images, which the programs print for -version")
	flag.StringVar(&c.arch, "arch", runtime.GOARCH, "`architecture`, as Go names it: amd64 or arm64")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "Usage: images [flags] [program ...]\n\nPrograms, all of them where none is given: %s\n\n", strings.Join(names(), ", "))
		flag.PrintDefaults()
	}
	flag.Parse()
	if err := runUntilStopped(c, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

func runUntilStopped(c config, wanted []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, c, wanted)
}

func run(ctx context.Context, c config, wanted []string) error {
	if len(wanted) == 0 {
		wanted = names()
	}
	if err := os.MkdirAll(c.out, 0o750); err != nil {
		return err
	}
	for _, name := range wanted {
		i := slices.IndexFunc(programs, func(p program) bool { return p.name == name })
		if i < 0 {
			return fmt.Errorf("there is no program %q; there are %s", name, strings.Join(names(), ", "))
		}
		if err := c.make(ctx, programs[i]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// make writes the image and the SBOM of one program.
func (c config) make(ctx context.Context, p program) (err error) {
	dir, err := os.MkdirTemp("", "confab-image-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary := filepath.Join(dir, "program")
	if err := c.build(ctx, p, binary); err != nil {
		return err
	}
	image, err := c.image(binary, p.args)
	if err != nil {
		return err
	}
	digest, err := image.Digest()
	if err != nil {
		return err
	}
	reference, to := c.name+"/"+p.name+":"+c.version, filepath.Join(c.out, p.name)
	if err := writeLayout(image, reference, filepath.Join(dir, "layout"), to+".tar"); err != nil {
		return err
	}
	if err := writeSBOM(binary, c.version, reference, digest.String(), to+".cdx.json"); err != nil {
		return err
	}
	fmt.Printf("%s.tar  %s  %s\n", to, reference, digest)
	return nil
}
