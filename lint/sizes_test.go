package lint

import (
	"bytes"
	"fmt"
	"go/ast"
	"slices"
	"testing"
)

const (
	maxFile     = 500 // lines
	maxFunction = 60  // lines, but for a flat switch or a table
	maxCase     = 12  // lines of a case of a flat switch
)

func TestSizes(t *testing.T) {
	check(t, oversized)
	long := "package x\n\nfunc f() {\n" + string(bytes.Repeat([]byte("\tf()\n"), maxFunction)) + "}\n"
	sample(t, oversized, "x.go", long, 1)
	sample(t, oversized, "x.go", long+string(bytes.Repeat([]byte("\n"), maxFile)), 2)
	flat := "package x\n\nfunc f(n int) {\n\tswitch n {\n" + string(bytes.Repeat([]byte("\tcase f():\n\t\tf()\n"), maxFunction)) + "\t}\n}\n"
	sample(t, oversized, "x.go", flat, 0)
}

// TestMedians shows the sizes that the rules of CONTRIBUTING.md speak of; a median that grows is a hint, not a mistake.
func TestMedians(t *testing.T) {
	var files, functions []int
	for _, s := range sources(t) {
		if s.test() {
			continue
		}
		files = append(files, bytes.Count(s.text, []byte("\n")))
		for _, f := range functionsOf(s) {
			functions = append(functions, s.lines(f))
		}
	}
	slices.Sort(files)
	slices.Sort(functions)
	t.Logf("median file %d lines, median function %d lines, of %d and %d", files[len(files)/2], functions[len(functions)/2], len(files), len(functions))
	if m := files[len(files)/2]; m > 150 {
		t.Errorf("the median file has %d lines, 150 are enough", m)
	}
	if m := functions[len(functions)/2]; m >= 15 {
		t.Errorf("the median function has %d lines, fewer than 15 are enough", m)
	}
}

func oversized(s *source) (out []string) {
	if n := bytes.Count(s.text, []byte("\n")); n > maxFile {
		out = append(out, fmt.Sprintf("%s has %d lines; %d are enough", s.path, n, maxFile))
	}
	for _, f := range functionsOf(s) {
		if n := s.lines(f); n > maxFunction && !s.flat(f) {
			out = append(out, fmt.Sprintf("%s: %s has %d lines; %d are enough", s.line(f), f.Name.Name, n, maxFunction))
		}
	}
	return out
}

func functionsOf(s *source) (out []*ast.FuncDecl) {
	for _, d := range s.file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
			out = append(out, f)
		}
	}
	return out
}

// lines is how many lines a node has, first and last included.
func (s *source) lines(n ast.Node) int {
	return s.set.Position(n.End()).Line - s.set.Position(n.Pos()).Line + 1
}

// flat tells whether a function is little more than one switch with short cases, or one table, as in tests.
func (s *source) flat(f *ast.FuncDecl) bool {
	rest, short := s.lines(f), true
	for _, st := range f.Body.List {
		body := switchBody(st)
		if body == nil {
			rest -= s.table(st)
			continue
		}
		rest -= s.lines(st)
		for _, c := range body.List {
			short = short && s.lines(c) <= maxCase
		}
	}
	return short && rest <= maxFunction/2
}

// table is the number of lines of the largest composite literal in a statement.
func (s *source) table(st ast.Stmt) (lines int) {
	ast.Inspect(st, func(n ast.Node) bool {
		if l, ok := n.(*ast.CompositeLit); ok {
			lines = max(lines, s.lines(l))
		}
		return true
	})
	return lines
}

func switchBody(st ast.Stmt) *ast.BlockStmt {
	switch st := st.(type) {
	case *ast.SwitchStmt:
		return st.Body
	case *ast.TypeSwitchStmt:
		return st.Body
	case *ast.LabeledStmt:
		return switchBody(st.Stmt)
	}
	return nil
}
