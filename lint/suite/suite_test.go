package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// events is what `go test -json` says about one passing, one failing and two skipped tests, and a package that does not build.
const events = `{"Action":"run","Package":"p","Test":"TestGood"}
{"Action":"output","Package":"p","Test":"TestGood","Output":"quiet\n"}
{"Action":"pass","Package":"p","Test":"TestGood"}
{"Action":"output","Package":"p","Test":"TestBad","Output":"=== RUN   TestBad\n"}
{"Action":"output","Package":"p","Test":"TestBad","Output":"    p_test.go:7: wrong\n"}
{"Action":"fail","Package":"p","Test":"TestBad"}
{"Action":"output","Package":"p","Test":"TestNeeds","Output":"=== RUN   TestNeeds\n"}
{"Action":"output","Package":"p","Test":"TestNeeds","Output":"    p_test.go:9: no Java\n"}
{"Action":"skip","Package":"p","Test":"TestNeeds"}
{"Action":"skip","Package":"p","Test":"FuzzX/seed#1"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
{"ImportPath":"q","Action":"build-output","Output":"q.go:1: no\n"}
{"Action":"fail","Package":"q"}
go: a line of the go command
`

func TestFollow(t *testing.T) {
	var w strings.Builder
	o, err := follow(&w, strings.NewReader(events))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what      string
		got, want []string
	}{
		{"passed", o.passed, []string{"p.TestGood"}},
		{"failed", o.failed, []string{"p.TestBad"}},
		{"broken", o.broken, []string{"q"}},
		{"gaps", o.gaps(), []string{"p.TestNeeds"}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
	if got := o.reasons["p.TestNeeds"]; got != "p_test.go:9: no Java" {
		t.Errorf("reason %q", got)
	}
	if got := o.reasons["p.TestBad"]; got != "p_test.go:7: wrong" {
		t.Errorf("complaint %q", got)
	}
	want := "=== RUN   TestBad\n    p_test.go:7: wrong\nFAIL\tp\t0.1s\nq.go:1: no\ngo: a line of the go command\n"
	if w.String() != want {
		t.Errorf("printed %q, want %q", w.String(), want)
	}
}

// TestOutcomes runs the go command on a small module.
func TestOutcomes(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":    "module small\n\ngo 1.27\n",
		"bug.go":    "//go:build plantedbug_small\n\npackage small\n\nconst n = 2\n",
		"real.go":   "//go:build !plantedbug_small\n\npackage small\n\nconst n = 1\n",
		"n_test.go": "package small\n\nimport \"testing\"\n\nfunc TestN(t *testing.T) {\n\tif n != 1 {\n\t\tt.Error(n)\n\t}\n}\n\nfunc TestSkips(t *testing.T) { t.Skip(\"no reason\") }\n",
		"f_test.go": "package small\n\nimport \"testing\"\n\nfunc FuzzN(f *testing.F) { f.Fuzz(func(*testing.T, int) {}) }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	t.Setenv("GOFLAGS", "-trimpath -buildvcs=false")
	t.Setenv("GOWORK", "off")
	var w strings.Builder
	if err := test(&w, false, []string{"./..."}); err != nil {
		t.Error(err, w.String())
	}
	if !strings.Contains(w.String(), "SKIPPED small.TestSkips: n_test.go:11: no reason\nsuite: 2 passed, 0 failed, 1 skipped\n") {
		t.Error(w.String())
	}
	if err := test(&w, true, []string{"./..."}); err == nil {
		t.Error("a skipped test passed with CI=true")
	}
	if err := test(&w, false, []string{"-tags", "plantedbug_small", "./..."}); err == nil {
		t.Error("a failing test passed")
	}
	w.Reset()
	if err := planted(&w, nil); err != nil || !strings.Contains(w.String(), "noticed by small.TestN and 0 more\n") {
		t.Error(err, w.String())
	}
	if err := os.WriteFile("n_test.go", []byte("package small\n\nimport \"testing\"\n\nfunc TestN(*testing.T) { _ = n }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := planted(&w, nil); err == nil {
		t.Error("a bug that no test sees was taken as noticed")
	}
	found, err := readTests(".")
	if err != nil || !slices.Equal(found.fuzz, []fuzzTarget{{"./.", "FuzzN"}}) {
		t.Error(found, err)
	}
}
