package lint

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strconv"
	"testing"
)

// pure are the folders, with what lies in them, that do no I/O: what they compute is a function of what they are given, so that a
// batch can be run again and every decision tested by a script.
var pure = []string{"rdd", "dstream", "driver/schedule", "driver/rate"}

// impure are packages that reach outside. net/url and net/netip only parse.
var impure = []string{
	"os", "os/exec", "os/signal", "io/ioutil", "net", "net/http", "net/rpc", "syscall", "plugin", "log", "log/slog", "crypto/rand", "math/rand",
	"golang.org/x/sys/unix", "google.golang.org/grpc",
}

// outside are functions that reach outside, by package.
var outside = map[string][]string{
	"time":         {"Now", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Since", "Until"},
	"math/rand/v2": {"Int", "IntN", "Int32", "Int32N", "Int64", "Int64N", "Uint32", "Uint64", "UintN", "N", "Float32", "Float64", "NormFloat64", "ExpFloat64", "Perm", "Shuffle"},
}

// goroutines are the files that may start one, and why.
var goroutines = map[string]string{
	"dstream/foreach.go": "a worker's replay of a ForEach body is left by Goexit, which ends the goroutine that it is called on",
}

func TestPure(t *testing.T) {
	check(t, impurities)
	const text = `package x

import (
	"math/rand/v2"
	clock "time"
)

func f() { go f(); _ = clock.Now(); _ = rand.IntN(3); _ = rand.New(nil); _ = clock.Second }
`
	sample(t, impurities, "rdd/x.go", text, 3)
	sample(t, impurities, "dstream/foreach.go", text, 2)
	sample(t, impurities, "dstream/dstreamtest/x.go", text, 0)
	sample(t, impurities, "rdd/x_test.go", text, 0)
	sample(t, impurities, "driver/schedule/x.go", "package x\n\nimport _ \"os\"\n", 1)
}

func TestExceptionsAreNeeded(t *testing.T) {
	for name := range goroutines {
		found := false
		for _, s := range sources(t) {
			if s.path == name {
				ast.Inspect(s.file, func(n ast.Node) bool {
					_, is := n.(*ast.GoStmt)
					found = found || is
					return true
				})
			}
		}
		if !found {
			t.Errorf("%s starts no goroutine any more: take it off the list", name)
		}
	}
}

func impurities(s *source) (out []string) {
	if s.test() || within(s.folder(), "dstream/dstreamtest") || !slices.ContainsFunc(pure, func(f string) bool { return within(s.folder(), f) }) {
		return nil
	}
	names := map[string]string{} // of imports, in this file
	for _, i := range s.file.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			continue
		}
		if slices.Contains(impure, p) {
			out = append(out, fmt.Sprintf("%s imports %s: the package does no I/O", s.path, p))
		}
		names[nameOf(i, p)] = p
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			if goroutines[s.path] == "" {
				out = append(out, s.line(n)+": a goroutine: the package starts none")
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && slices.Contains(outside[names[x.Name]], n.Sel.Name) {
				out = append(out, fmt.Sprintf("%s: %s.%s: what the package does depends on nothing but its input", s.line(n), names[x.Name], n.Sel.Name))
			}
		}
		return true
	})
	return out
}

func nameOf(i *ast.ImportSpec, p string) string {
	if i.Name != nil {
		return i.Name.Name
	}
	if path.Base(p) == "v2" {
		return path.Base(path.Dir(p))
	}
	return path.Base(p)
}
