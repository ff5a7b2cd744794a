package lint

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// empty are words that say nothing about what they name, as parts of names.
var empty = []string{"manager", "helper", "helpers", "util", "utils", "impl", "info", "data", "base", "process", "handle", "service"}

// emptyPackages are names of packages that say nothing. A name that a tool gives is no choice: see foreign.
var emptyPackages = append([]string{"common", "types", "misc", "shared"}, empty...)

// foreign are words of somebody else's that our names repeat: what Arrow calls the type of a column is its data type, and gocql asks a
// selected host for its Info.
var foreign = []string{"dataType", "DataType", "Info"}

func TestNames(t *testing.T) {
	check(t, emptyNames)
	sample(t, emptyNames, "rdd/task_manager.go", `package rdd

type TaskManager struct{}

type databaseURL string // one word more than "data"

func (TaskManager) handleRow() {}

var rowInfo, good = 1, 2
`, 4)
	sample(t, emptyNames, "util/x.go", "package util\n", 1)
}

func emptyNames(s *source) (out []string) {
	if s.test() {
		return nil // a test's own names are read beside their only use
	}
	note := func(at, name string) {
		if w := emptyWord(name); w != "" && !slices.Contains(foreign, name) {
			out = append(out, fmt.Sprintf("%s: %s: the word %q says nothing", at, name, w))
		}
	}
	if slices.Contains(emptyPackages, s.file.Name.Name) {
		out = append(out, fmt.Sprintf("%s: package %s: the name says nothing", s.path, s.file.Name.Name))
	}
	note(s.path, strings.TrimSuffix(path.Base(s.path), ".go"))
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			note(s.line(d), d.Name.Name)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					note(s.line(spec), spec.Name.Name)
				case *ast.ValueSpec:
					for _, n := range spec.Names {
						note(s.line(spec), n.Name)
					}
				}
			}
		}
	}
	return out
}

// emptyWord returns the first empty word of a name in camel case or with underscores.
func emptyWord(name string) string {
	var b strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	for w := range strings.SplitSeq(b.String(), "_") {
		if slices.Contains(empty, w) {
			return w
		}
	}
	return ""
}

// stale is what must not stand in any file: notes to oneself, and places that exist on somebody's machine only. What is left open
// stands in docs/decisions.md with its reason. (Put together here, so that this file does not match itself.)
var stale = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX)\b|\.\./sha` + `red\b|(^|[\s"'(=:])/(wo` + `rk|ro` + `ot)(/|\b)|\bproxy\.golang\b|\bsum\.golang\b|\bregistry\.npm|\bpypi\.org|\bcrates\.io`)

func TestNothingStale(t *testing.T) {
	for _, text := range []string{"// TO" + "DO: later", "see ../sha" + "red/x", "/wo" + "rk/main", "(/ro" + "ot)"} {
		if !stale.MatchString(text) {
			t.Errorf("%q is not seen", text)
		}
	}
	err := walk(func(name string, text []byte) error {
		if slices.Contains(text[:min(len(text), 8000)], 0) || path.Base(name) == "go.sum" {
			return nil // not text
		}
		n := 0
		for line := range strings.Lines(string(text)) {
			n++
			if m := stale.FindString(line); m != "" {
				t.Errorf("%s:%d: %q", name, n, strings.TrimSpace(m))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
