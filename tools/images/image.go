package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// user is nobody's, and no system's.
const user = 65532

// image is nothing but the program: no shell, no root, and no write but to /data.
func (c config) image(binary string, args []string) (v1.Image, error) {
	program, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for _, entries := range [][]entry{
		{
			{Header: tar.Header{Name: "etc/", Mode: 0o755}}, {Header: tar.Header{Name: "etc/ssl/", Mode: 0o755}},
			{Header: tar.Header{Name: "etc/ssl/certs/", Mode: 0o755}},
			{Header: tar.Header{Name: "etc/ssl/certs/ca-certificates.crt", Mode: 0o644}, body: roots()},
		},
		{{Header: tar.Header{Name: "data/", Mode: 0o755, Uid: user, Gid: user}}}, // a volume that is empty takes this owner over
		{{Header: tar.Header{Name: "program", Mode: 0o755}, body: program}},
	} {
		layer, err := layerOf(entries)
		if err != nil {
			return nil, err
		}
		if image, err = mutate.AppendLayers(image, layer); err != nil {
			return nil, err
		}
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = "linux", c.arch
	file.Config = v1.Config{
		Entrypoint: []string{"/program"}, Cmd: args, User: "65532:65532", WorkingDir: "/data",
		Labels: map[string]string{"org.opencontainers.image.version": c.version, "org.opencontainers.image.licenses": "Apache-2.0"},
	}
	return mutate.ConfigFile(image, file)
}

// roots are the certificates of Mozilla's, so that the image is the same wherever it is built.
func roots() []byte {
	var all bytes.Buffer
	for root := range bundle.Roots() {
		_ = pem.Encode(&all, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a buffer takes it all
	}
	return all.Bytes()
}

// entry is a file, or a directory where its name ends with a slash.
type entry struct {
	tar.Header
	body []byte
}

// layerOf has no time in it.
func layerOf(entries []entry) (v1.Layer, error) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, e := range entries {
		if err := e.write(w); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer))
}

func (e entry) write(w *tar.Writer) error {
	e.Size = int64(len(e.body))
	e.Typeflag = tar.TypeReg
	if e.Name[len(e.Name)-1] == '/' {
		e.Typeflag = tar.TypeDir
	}
	if err := w.WriteHeader(&e.Header); err != nil {
		return err
	}
	_, err := w.Write(e.body)
	return err
}
