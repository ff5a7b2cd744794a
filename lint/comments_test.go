package lint

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// known are methods that their interface documents: a comment would only repeat it.
var known = []string{"Error", "Unwrap", "Is", "String", "Len", "Less", "Swap", "MarshalJSON", "UnmarshalJSON"}

func TestExportedNamesAreDocumented(t *testing.T) {
	check(t, undocumented)
	sample(t, undocumented, "rdd/x.go", `package x

type A int

// B has a comment.
type B int

func (B) M() {}

func (B) String() string { return "" }

func (b) M() {}

type b int

const C, d = 1, 2

// The group's comment counts.
const (
	E = iota
	F
)

var G = 1 // so does one at the end of the line
`, 3)
	sample(t, undocumented, "cmd/x/x.go", "package main\n\ntype A int\n", 0)
}

// undocumented lists the exported names of a file that have no comment. Those of commands are nobody's interface.
func undocumented(s *source) (out []string) {
	if s.test() || s.file.Name.Name == "main" {
		return nil
	}
	missing := func(n ast.Node, name string) {
		out = append(out, fmt.Sprintf("%s: %s has no comment", s.line(n), name))
	}
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) && !(d.Recv != nil && slices.Contains(known, d.Name.Name)) {
				missing(d, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if name := exportedIn(spec); name != "" && !documented(d, spec) {
					missing(spec, name)
				}
			}
		}
	}
	return out
}

// exportedReceiver tells whether a function is one, or a method of an exported type.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

func exportedIn(spec ast.Spec) string {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		if spec.Name.IsExported() {
			return spec.Name.Name
		}
	case *ast.ValueSpec:
		for _, n := range spec.Names {
			if n.IsExported() {
				return n.Name
			}
		}
	}
	return ""
}

func documented(d *ast.GenDecl, spec ast.Spec) bool {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		return spec.Doc != nil || spec.Comment != nil || d.Doc != nil && d.Tok == token.TYPE
	case *ast.ValueSpec:
		return spec.Doc != nil || spec.Comment != nil || d.Doc != nil
	}
	return true
}

func TestPackagesAreDocumented(t *testing.T) {
	has := map[string]bool{}
	for _, s := range sources(t) {
		if !s.test() {
			has[s.folder()] = has[s.folder()] || s.file.Doc != nil && strings.TrimSpace(s.file.Doc.Text()) != ""
		}
	}
	for folder, documented := range has {
		if !documented {
			t.Errorf("%s: no comment says what the package is", folder)
		}
	}
}
