package protobuf

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/tidemill/tidemill/connectors/format/registry"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// parse compiles a schema with what it imports. folder is where imports of a file are; empty = beside it.
func parse(s *registry.Schema, folder string) (protoreflect.FileDescriptor, error) {
	name, open := "schema.proto", fromRegistry(s)
	if s.File != "" {
		name, open = fromFolder(s, folder)
	}
	known := func(path string) (io.ReadCloser, error) {
		if path == name {
			return io.NopCloser(strings.NewReader(s.Text)), nil
		}
		return open(path)
	}
	c := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{Accessor: known}),
		MaxParallelism: 1,
	}
	files, err := c.Compile(context.Background(), name)
	if err != nil {
		return nil, fmt.Errorf("is no Protobuf schema: %w", err)
	}
	return files[0], nil
}

// fromRegistry opens what a schema of a registry refers to: no file of this machine.
func fromRegistry(s *registry.Schema) func(string) (io.ReadCloser, error) {
	texts := map[string]string{}
	for _, r := range s.References {
		texts[r.Name] = r.Text
	}
	return protocompile.SourceAccessorFromMap(texts)
}

// fromFolder opens files below a folder, and says by what name the schema itself is known there.
func fromFolder(s *registry.Schema, folder string) (name string, open func(string) (io.ReadCloser, error)) {
	if folder == "" {
		folder = filepath.Dir(s.File)
	}
	name, err := filepath.Rel(folder, s.File)
	if err != nil || !filepath.IsLocal(name) {
		name = filepath.Base(s.File)
	}
	return filepath.ToSlash(name), func(path string) (io.ReadCloser, error) {
		if !filepath.IsLocal(filepath.FromSlash(path)) {
			return nil, fs.ErrNotExist
		}
		return os.Open(filepath.Join(folder, filepath.FromSlash(path)))
	}
}
