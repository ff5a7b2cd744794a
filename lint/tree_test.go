package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/tidemill/tidemill/"

// source is one Go file of the repository.
type source struct {
	path string // from the root, with slashes: "rdd/map.go"
	text []byte
	set  *token.FileSet
	file *ast.File
}

func (s *source) folder() string { return path.Dir(s.path) }
func (s *source) test() bool     { return strings.HasSuffix(s.path, "_test.go") }

// line is where a node stands, for messages.
func (s *source) line(n ast.Node) string {
	return s.path + ":" + strconv.Itoa(s.set.Position(n.Pos()).Line)
}

// imports are the paths of a file's imports; those of the repository without the module in front.
func (s *source) imports() []string {
	var out []string
	for _, i := range s.file.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err == nil {
			out = append(out, strings.TrimPrefix(p, module))
		}
	}
	return out
}

func parse(name string, text []byte) (*source, error) {
	s := &source{path: name, text: text, set: token.NewFileSet()}
	var err error
	s.file, err = parser.ParseFile(s.set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	return s, err
}

// root is the top of the repository; tests run in the folder of their package.
const root = ".."

// walk visits the files of the repository, but for what is built and what git keeps.
func walk(visit func(name string, text []byte) error) error {
	return filepath.WalkDir(root, func(at string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, at)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if d.IsDir() {
			if name == ".git" || name == "bin" {
				return filepath.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(at)
		if err != nil {
			return err
		}
		return visit(name, text)
	})
}

var load = sync.OnceValues(func() ([]*source, error) {
	var out []*source
	err := walk(func(name string, text []byte) error {
		if path.Ext(name) != ".go" || strings.Contains(name, "testdata/") {
			return nil
		}
		s, err := parse(name, text)
		out = append(out, s)
		return err
	})
	return out, err
})

// sources are all Go files of the repository.
func sources(t *testing.T) []*source {
	t.Helper()
	all, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Fatalf("only %d Go files found", len(all))
	}
	return all
}

// check applies a rule to all files.
func check(t *testing.T, rule func(*source) []string) {
	t.Helper()
	for _, s := range sources(t) {
		for _, what := range rule(s) {
			t.Error(what)
		}
	}
}

// sample applies a rule to a made-up file and demands as many complaints.
func sample(t *testing.T, rule func(*source) []string, name, text string, want int) {
	t.Helper()
	s, err := parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := rule(s); len(got) != want {
		t.Errorf("%s, a sample: %d complaints, want %d: %q", name, len(got), want, got)
	}
}
