package build

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMistakes builds what users get wrong and compares the message with testdata/<name>.txt.
func TestMistakes(t *testing.T) {
	engine := smallEngine(t)
	mod := "module example.com/mine\n\ngo 1.27.0\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		args  []string
	}{
		{"types", map[string]string{"dir/job.go": job("\t\"time\"\n", `	job.Nme = "x"
	x := 1
	dstream.Map(dstream.Lines(job), func(n int) string { return "" })
	dstream.Map(3)
	var s string = time.Second
`)}, []string{"dir/job.go"}},
		{"types_above", map[string]string{"job.go": job("", "\tjob.Nme = 1\n"), "sub/x": ""}, []string{"../job.go"}},
		{"types_folder", map[string]string{"j/a.go": job("", "\tsay()\n\treturn 1\n"), "j/b.go": "package main\n\nfunc say(s string) {}\n"}, []string{"./j"}},
		{"types_module", map[string]string{"go.mod": mod, "h/h.go": "package h\n\nfunc F() { x := 1 }\n", "j/main.go": job("\t\"example.com/mine/h\"\n", "\th.F()\n")}, []string{"j"}},
		{"types_module_main", map[string]string{"go.mod": mod, "j/main.go": job("", "\tjob.Nme = 1\n")}, []string{"j/main.go"}},
		{"redeclared", map[string]string{"a.go": plainJob, "b.go": "package main\n\nfunc build() {}\n"}, []string{"a.go", "b.go"}},
		{"undefined_elsewhere", map[string]string{"a.go": job("", "\tsay()\n"), "b.go": "package main\n\nfunc say() {}\n"}, []string{"a.go"}},
		{"syntax", map[string]string{"job.go": "package main\n\nfunc main( {\n\tx := := 1\n}\n"}, []string{"./job.go"}},
		{"package", map[string]string{"job.go": "package job\n\nfunc main() {}\n"}, []string{"job.go"}},
		{"main", map[string]string{"job.go": "package main\n\nfunc build() {}\n"}, []string{"job.go"}},
		{"empty_file", map[string]string{"job.go": ""}, []string{"job.go"}},
		{"import_foreign", map[string]string{"job.go": job("\t\"example.com/foo/bar\"\n", "\tbar.Do()\n")}, []string{"job.go"}},
		{"import_foreign_module", map[string]string{"go.mod": mod, "main.go": job("\t\"example.com/foo/bar\"\n", "\tbar.Do()\n")}, []string{"."}},
		{"import_std", map[string]string{"job.go": job("\t\"strngs\"\n", "\tstrngs.Fields(``)\n")}, []string{"job.go"}},
		{"import_engine", map[string]string{"job.go": job("\t\"github.com/tidemill/tidemill/nope\"\n", "\tnope.Do()\n")}, []string{"job.go"}},
		{"import_unused", map[string]string{"job.go": job("\t\"strings\"\n", "")}, []string{"job.go"}},
		{"go_mod", map[string]string{"go.mod": "modul x\n", "main.go": plainJob}, []string{"."}},
		{"go_work", map[string]string{"go.work": "us x\n", "m/go.mod": mod, "m/main.go": plainJob}, []string{"./m"}},
		{"missing", nil, []string{"job.go"}},
		{"flag", nil, []string{"-topic", "x"}},
		{"not_go", map[string]string{"job.py": ""}, []string{"job.py"}},
		{"test", map[string]string{"job_test.go": ""}, []string{"job_test.go"}},
		{"no_files", map[string]string{"d/x.txt": ""}, []string{"d"}},
		{"two_folders", map[string]string{"a/a.go": plainJob, "b/b.go": plainJob}, []string{"a/a.go", "b/b.go"}},
		{"file_and_folder", map[string]string{"a.go": plainJob, "b/b.go": plainJob}, []string{"a.go", "b"}},
		{"none", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := in(t, c.files)
			if c.name == "types_above" {
				t.Chdir(filepath.Join(dir, "sub"))
			}
			cache := t.TempDir()
			_, err := Job(t.Context(), c.args, Options{Engine: engine, Cache: cache})
			if err == nil {
				t.Fatal("built")
			}
			for _, secret := range []string{engine, cache, dir, "declared at", "/usr/", "zz_tidemill"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%q is in the message", secret)
				}
			}
			golden(t, "testdata/"+c.name+".txt", err.Error()+"\n")
		})
	}
}

// here is the package's own folder, since tests change the working directory.
var here, _ = os.Getwd()

func golden(t *testing.T, path, got string) {
	t.Helper()
	path = filepath.Join(here, path)
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; if that is meant, run with -rewrite\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}

func TestEngineDoesNotCompile(t *testing.T) {
	engine := smallEngine(t)
	write(t, engine, map[string]string{"dstream/broken.go": "package dstream\n\nvar x int = \"\"\n"})
	in(t, map[string]string{"job.go": plainJob})
	_, err := Job(t.Context(), []string{"job.go"}, Options{Engine: engine, Cache: t.TempDir()})
	var e *EngineError
	if !errors.As(err, &e) || strings.Contains(err.Error(), engine) || !strings.Contains(err.Error(), "dstream/broken.go:3:13: ") {
		t.Error(err)
	}
}

// TestExplain has what the go command prints on machines that differ from this one.
func TestExplain(t *testing.T) {
	p := &workshop{
		target: &target{args: []string{"job.go"}, typed: map[string]string{"/users/u/job.go": "job.go"}, cwd: "/users/u", dir: "/users/u"},
		dir:    "/cache/jobs/1", scrap: "/cache/jobs/1", engine: "/src/tidemill",
		overlay: map[string]string{"/cache/jobs/1/job.go": "/users/u/job.go"},
	}
	for _, c := range []struct{ name, in, want string }{
		{"downloads are no errors", "go: downloading x v1.0.0\n# job\n../../../users/u/job.go:3:1: bad\n", "job.go:3:1: bad"},
		{"the virtual file", "./job.go:3:1: bad\n", "job.go:3:1: bad"},
		{"places in a released engine", "/users/u/job.go:3:1: bad (declared at " + Module + "@v1.0.0/dstream/d.go:3:1)\n\t" + Module + "@v1.0.0/dstream/d.go:3:1: other\n", "job.go:3:1: bad"},
		{"places in an engine's folder", "/users/u/job.go:3:1: bad\n\t/src/tidemill/dstream/d.go:3:1: other\n\thave x\n", "job.go:3:1: bad\n\thave x"},
		{"no toolchain", "go: download go1.27.1 for linux/amd64: toolchain not available\n",
			"build job.go: go: download go1.27.1 for linux/amd64: toolchain not available\njobs are built with the toolchain that driver was built with; let go fetch it once over the network"},
		{"an old go", "go: errors parsing /cache/jobs/1/go.mod:\ninvalid go version '1.27.0': must match format 1.23\n",
			"build job.go: go: errors parsing go.mod:\ninvalid go version '1.27.0': must match format 1.23\nthe go command in PATH is older than Go 1.21, which first could fetch the toolchain it needs; install a newer one"},
		{"silence", "", "build job.go: go build: exit status 1"},
	} {
		if got := p.explain(c.in, errors.New("exit status 1")).Error(); got != c.want {
			t.Errorf("%s:\n%s\nwant:\n%s", c.name, got, c.want)
		}
	}
}

func TestNoGoCommand(t *testing.T) {
	in(t, map[string]string{"job.go": plainJob})
	t.Setenv("PATH", t.TempDir())
	_, err := Job(t.Context(), []string{"job.go"}, Options{Engine: "x", Cache: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "no go command in PATH") {
		t.Error(err)
	}
}
