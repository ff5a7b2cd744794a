package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rapidChecks is how many cases each property gets, 100 by day.
const rapidChecks = "20000"

// nightly runs everything once with the race detector, properties with many more cases, and each fuzz target for a while.
func nightly(w io.Writer, each time.Duration) error {
	if err := test(w, true, []string{"-race", "-timeout", "60m", "./..."}); err != nil {
		return err
	}
	found, err := readTests(".")
	if err != nil {
		return err
	}
	if err := test(w, false, append([]string{"-timeout", "60m", "-rapid.checks", rapidChecks}, found.rapid...)); err != nil {
		return err
	}
	for _, f := range found.fuzz {
		fmt.Fprintf(w, "fuzz %s %s for %v\n", f.folder, f.name, each)
		cmd := exec.Command("go", "test", "-run", "^$", "-fuzz", "^"+f.name+"$", "-fuzztime", each.String(), "-fuzzminimizetime", "50x", f.folder)
		cmd.Stdout, cmd.Stderr = w, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s in %s: %w; the input that failed lies in its testdata", f.name, f.folder, err)
		}
	}
	return nil
}

// tests are what can be made longer.
type tests struct {
	rapid []string // folders whose tests have properties
	fuzz  []fuzzTarget
}

type fuzzTarget struct{ folder, name string }

func readTests(root string) (*tests, error) {
	out := &tests{}
	return out, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err == nil {
			out.read(file, "./"+filepath.ToSlash(filepath.Dir(path)))
		}
		return err
	})
}

func (t *tests) read(file *ast.File, folder string) {
	for _, i := range file.Imports {
		if path, err := strconv.Unquote(i.Path.Value); err == nil && path == "pgregory.net/rapid" && !slices.Contains(t.rapid, folder) {
			t.rapid = append(t.rapid, folder)
		}
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Fuzz") {
			t.fuzz = append(t.fuzz, fuzzTarget{folder, f.Name.Name})
		}
	}
}
