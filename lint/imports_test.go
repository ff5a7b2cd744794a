package lint

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// layer is a folder and what the packages in it may import of the repository. Everything may import what lies in its own folder.
type layer struct {
	folder string
	may    []string
}

// layers is the picture in docs/architecture.md, as rules. The first that fits counts.
var layers = []layer{
	{"rdd", nil},
	{"dstream/dstreamtest", []string{"driver", "executor", "dstream", "rdd"}}, // it runs jobs, on the driver's local mode
	{"dstream", []string{"rdd"}},
	{"executor", []string{"dstream", "rdd", "connectors/cassandra/cql"}},
	{"driver", []string{"executor", "dstream", "rdd", "connectors/cassandra/cql"}},
	{"connectors/cassandra/cql", []string{"rdd/ring"}},
	{"connectors/all", []string{"connectors"}},
	{"connectors/internal", []string{"dstream", "rdd"}},
	{"connectors/format", []string{"dstream", "rdd", "connectors/internal"}},
	{"connectors", []string{"dstream", "rdd", "connectors/format", "connectors/internal", "connectors/cassandra/cql"}},
	{"cmd", everything},
	{"benchmarks", append(slices.Clone(everything), "cmd/crash/rig", "cmd/crash/tail")},
	{"examples", everything},
	{"lint", nil},
}

var everything = []string{"rdd", "dstream", "executor", "driver", "connectors"}

// forTests are packages that only tests, benchmarks and commands import.
var forTests = []string{"connectors/servicetest", "connectors/conformance", "dstream/dstreamtest", "driver/store/storetest", "driver/store/crashfs"}

func TestImports(t *testing.T) {
	check(t, imports)
	for _, c := range []struct {
		name, imports string
		want          int
	}{
		{"rdd/x.go", "dstream", 1},
		{"rdd/x.go", "rdd/codec", 0},
		{"rdd/x_test.go", "driver", 1},
		{"dstream/x.go", "rdd", 0},
		{"dstream/x.go", "driver/report", 1},
		{"dstream/dstreamtest/x.go", "driver", 0},
		{"executor/x.go", "driver/store", 1},
		{"driver/x.go", "connectors/files", 1},
		{"driver/x_test.go", "connectors/files", 0},
		{"driver/store/x.go", "connectors/cassandra/cql", 0},
		{"driver/x.go", "dstream/dstreamtest", 1},
		{"connectors/files/x.go", "connectors/sqlite", 1},
		{"connectors/files/x.go", "connectors/files/inner", 0},
		{"connectors/files/x.go", "connectors/format", 0},
		{"connectors/files/x.go", "driver", 1},
		{"connectors/kafka/x.go", "connectors/servicetest", 1},
		{"connectors/cassandra/cql/x.go", "rdd", 1},
		{"cmd/x/x.go", "connectors/servicetest", 0},
		{"cmd/x/x.go", "examples/ads", 1},
	} {
		sample(t, imports, c.name, fmt.Sprintf("package x\n\nimport _ %q\n", module+c.imports), c.want)
	}
}

// imports says which imports of a file go against the layers. Tests use a package as its users do, from above, and may import
// what is above them; those of rdd may not, since it is a library on its own.
func imports(s *source) (out []string) {
	of := layerOf(s.folder())
	for _, p := range s.imports() {
		if !ours(p) {
			continue
		}
		switch {
		case of == nil:
			out = append(out, fmt.Sprintf("%s: the folder is not in the list of layers", s.path))
		case s.test() && of.folder != "rdd":
		case within(p, of.folder) && !(of.folder == "connectors" && !sameConnector(s.folder(), p)):
			if inTests(p) && !s.test() && !inTests(s.folder()) {
				out = append(out, fmt.Sprintf("%s imports %s, which is for tests", s.path, p))
			}
		case !slices.ContainsFunc(of.may, func(f string) bool { return within(p, f) }):
			out = append(out, fmt.Sprintf("%s imports %s: %s may import only %v", s.path, p, of.folder, of.may))
		case inTests(p) && slices.Contains(everything, of.folder):
			out = append(out, fmt.Sprintf("%s imports %s, which is for tests", s.path, p))
		}
	}
	return out
}

func layerOf(folder string) *layer {
	for i := range layers {
		if within(folder, layers[i].folder) {
			return &layers[i]
		}
	}
	return nil
}

func within(p, folder string) bool { return p == folder || strings.HasPrefix(p, folder+"/") }

func inTests(p string) bool {
	return slices.ContainsFunc(forTests, func(f string) bool { return within(p, f) })
}

// ours tells whether a path is of the repository: imports drops the module from those.
func ours(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	return slices.Contains([]string{"rdd", "dstream", "executor", "driver", "connectors", "cmd", "benchmarks", "examples", "lint"}, first)
}

// sameConnector tells whether two folders below connectors belong to one connector.
func sameConnector(a, b string) bool {
	as, bs := strings.Split(a, "/"), strings.Split(b, "/")
	return len(as) > 1 && len(bs) > 1 && as[1] == bs[1]
}
