package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/layout"
)

func TestAnImageIsTheSameWheneverItIsBuilt(t *testing.T) {
	c := config{source: "../..", name: "confab", version: "v1.2.3", arch: runtime.GOARCH}
	var first []byte
	for range 2 {
		c.out = t.TempDir()
		if err := run(t.Context(), c, []string{"web"}); err != nil {
			t.Fatal(err)
		}
		archive, bill := read(t, c.out, "web.tar"), read(t, c.out, "web.cdx.json")
		if all := slices.Concat(archive, bill); first == nil {
			first = all
		} else if !bytes.Equal(all, first) {
			t.Fatal("it differs")
		}
		for _, part := range []string{`"pkg:golang/github.com/prometheus/client_golang@v`, `"pkg:golang/github.com/confab-chat/confab/pkg@v1.2.3"`, `"pkg:golang/std@1.`, `"confab/web:v1.2.3"`} {
			if !bytes.Contains(bill, []byte(part)) {
				t.Errorf("the SBOM lacks %s", part)
			}
		}
	}
	wantImage(t, filepath.Join(c.out, "web.tar"))
}

func wantImage(t *testing.T, file string) {
	t.Helper()
	index, err := layout.ImageIndexFromPath(unpack(t, file))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if name := manifest.Manifests[0].Annotations["org.opencontainers.image.ref.name"]; name != "confab/web:v1.2.3" {
		t.Errorf("its name is %q", name)
	}
	image, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.User != "65532:65532" || config.Architecture != runtime.GOARCH || config.Config.Entrypoint[0] != "/program" {
		t.Errorf("its configuration is %+v", config)
	}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, layer := range layers {
		content, err := layer.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		each(t, content, func(h *tar.Header, _ io.Reader) { files = append(files, h.Name) })
	}
	if got := strings.Join(files, " "); got != "etc/ etc/ssl/ etc/ssl/certs/ etc/ssl/certs/ca-certificates.crt data/ program" {
		t.Errorf("it holds %s", got)
	}
}

func TestAnUnknownProgramIsNamed(t *testing.T) {
	err := run(t.Context(), config{out: t.TempDir()}, []string{"mail-svc"})
	if err == nil || !strings.Contains(err.Error(), `"mail-svc"`) || !strings.Contains(err.Error(), "auth-svc") {
		t.Errorf("the error is %v", err)
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func unpack(t *testing.T, file string) (dir string) {
	t.Helper()
	archive, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	dir = t.TempDir()
	each(t, archive, func(h *tar.Header, body io.Reader) {
		to := filepath.Join(dir, h.Name)
		data, err := io.ReadAll(body)
		if err := errors.Join(err, os.MkdirAll(filepath.Dir(to), 0o750), os.WriteFile(to, data, 0o600)); err != nil {
			t.Fatal(err)
		}
	})
	return dir
}

func each(t *testing.T, archive io.Reader, f func(*tar.Header, io.Reader)) {
	t.Helper()
	for r := tar.NewReader(archive); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		f(header, r)
	}
}
