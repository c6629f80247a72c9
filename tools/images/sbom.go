package main

import (
	"debug/buildinfo"
	"errors"
	"os"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// writeSBOM writes what the linker put into the program: its modules, and Go's standard library.
func writeSBOM(binary, version, reference, digest, file string) (err error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return err
	}
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &cdx.Component{
		BOMRef: "image", Type: cdx.ComponentTypeContainer, Name: reference, Version: digest,
	}}
	parts := []cdx.Component{component("std", strings.TrimPrefix(info.GoVersion, "go")), component(info.Main.Path, version)}
	for _, module := range info.Deps {
		if module.Replace != nil { // by a directory of this repository
			module.Version = version
		}
		parts = append(parts, component(module.Path, module.Version))
	}
	bom.Components = &parts
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	return cdx.NewBOMEncoder(out, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom)
}

// component names a module as https://github.com/package-url/purl-spec does.
func component(path, version string) cdx.Component {
	url := "pkg:golang/" + path + "@" + version
	return cdx.Component{BOMRef: url, Type: cdx.ComponentTypeLibrary, Name: path, Version: version, PackageURL: url}
}
