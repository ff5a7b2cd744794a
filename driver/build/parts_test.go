package build

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestToolchain(t *testing.T) {
	for _, c := range []struct{ set, running, want string }{
		{"", "go1.27.1", "go1.27.1+auto"},
		{"local", "go1.27.1", "go1.27.1+auto"},
		{"go1.26.0", "go1.27.1 X:nodwarf5", "go1.27.1+auto"},
		{"go1.28.0", "go1.27.1", "go1.28.0"},
		{"go1.28.0+auto", "go1.27.1", "go1.28.0+auto"},
		{"local", "devel go1.28-abc", "local"},
	} {
		if got := toolchain(c.set, c.running); got != c.want {
			t.Errorf("toolchain(%q, %q) = %q, want %q", c.set, c.running, got, c.want)
		}
	}
}

func TestWithoutMod(t *testing.T) {
	if got := withoutMod("-mod=vendor -tags=x --modfile=y -race"); got != "-tags=x -race" {
		t.Error(got)
	}
}

func TestJobName(t *testing.T) {
	for in, want := range map[string]string{"job": "job", "my job": "my-job", ".x": "x", "": "job", "...": "job", "zähler": "z-hler"} {
		if got := jobName(in); got != want {
			t.Errorf("jobName(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestEngine(t *testing.T) {
	engine, other := smallEngine(t), t.TempDir()
	write(t, other, map[string]string{"go.mod": "module example.com/x\n"})
	t.Setenv("TIDEMILL_ENGINE", other)
	if _, err := Engine(t.Context(), other); err == nil || !strings.HasPrefix(err.Error(), "TIDEMILL_ENGINE=") {
		t.Error(err)
	}
	t.Setenv("TIDEMILL_ENGINE", engine)
	if got, err := Engine(t.Context(), other); err != nil || got != engine {
		t.Error(got, err)
	}
	t.Setenv("TIDEMILL_ENGINE", "")
	write(t, engine, map[string]string{"examples/words/job.go": ""})
	got := findModule(filepath.Join(engine, "examples", "words"))
	if got != engine || !isEngine(got) || isEngine(other) {
		t.Error(got)
	}
}

func TestRequiresEngine(t *testing.T) {
	for mod, want := range map[string]bool{
		"module x\nrequire " + Module + " v1.0.0\n":           true,
		"module x\nrequire (\n\t" + Module + " v1.0.0\n)\n":   true,
		"module x\n// " + Module + " v1.0.0\n":                false,
		"module x\nrequire " + Module + "-contrib v1.0.0\n":   false,
		"module x\n\nreplace " + Module + " => ../tidemill\n": false,
	} {
		dir := t.TempDir()
		write(t, dir, map[string]string{"go.mod": mod})
		if got := requiresEngine(dir); got != want {
			t.Errorf("%q: %v", mod, got)
		}
	}
}

func TestParseWork(t *testing.T) {
	w, err := parseWork("/w", `{"Go":"1.27.0","Use":[{"DiskPath":"./a"},{"DiskPath":"/b"}],
		"Replace":[{"Old":{"Path":"x"},"New":{"Path":"../x"}},{"Old":{"Path":"y","Version":"v1.0.0"},"New":{"Path":"z","Version":"v2.0.0"}}]}`)
	want := "replace x  => \"/x\" \nreplace y v1.0.0 => \"z\" v2.0.0\n"
	if err != nil || w.goVersion != "1.27.0" || strings.Join(w.dirs, " ") != "/w/a /b" || w.replace != want {
		t.Errorf("%+v %v", w, err)
	}
}

func TestStoreKeepsTheNewest(t *testing.T) {
	s, file := store{t.TempDir()}, filepath.Join(t.TempDir(), "f")
	var paths []string
	for i := range kept + 3 {
		write(t, filepath.Dir(file), map[string]string{"f": fmt.Sprint(i)})
		path, _, err := s.put(file)
		if err != nil {
			t.Fatal(err)
		}
		old := time.Unix(int64(i), 0) // in the order of making, whatever the clock's steps
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
		if paths = append(paths, path); i == 0 {
			release, err := (&Binary{Path: path}).Hold()
			if err != nil {
				t.Fatal(err)
			}
			defer release()
		}
	}
	for i, path := range paths {
		_, err := os.Stat(path)
		if want := i == 0 || i > 2; (err == nil) != want {
			t.Errorf("binary %d: %v, there %v", i, err, want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, ".new-*")); len(left) > 0 {
		t.Error("left over:", left)
	}
}

func TestStoreRepairsATornFile(t *testing.T) {
	s, file := store{t.TempDir()}, filepath.Join(t.TempDir(), "f")
	write(t, filepath.Dir(file), map[string]string{"f": "whole"})
	path, _, err := s.put(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1); err != nil {
		t.Fatal(err)
	}
	if path, _, err = s.put(file); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "whole" {
		t.Error(string(b), err)
	}
}

func TestProgress(t *testing.T) {
	for _, c := range []struct {
		name           string
		terminal, cold bool
		took           time.Duration
		want           string
	}{
		{"quick", true, true, 900 * time.Millisecond, ""},
		{"terminal", true, false, 2500 * time.Millisecond, "\r\x1b[Kbuilding job.go … 1 s\r\x1b[Kbuilding job.go … 2 s\r\x1b[K"},
		{"file", false, true, 2500 * time.Millisecond, "building job.go (the first build compiles the engine, which takes a minute or two)\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var b strings.Builder
				done := showProgress(Options{Progress: &b, Terminal: c.terminal}, "job.go", c.cold)
				time.Sleep(c.took)
				done()
				if b.String() != c.want {
					t.Errorf("%q, want %q", b.String(), c.want)
				}
			})
		})
	}
}
