package build

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"
)

var rewrite = flag.Bool("rewrite", false, "write golden files instead of comparing")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// write puts files, given as path → content, under dir.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// smallEngine is a module of the engine's path with just enough in it to build jobs, so that these tests say nothing
// about the engine itself.
func smallEngine(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"go.mod": "module " + Module + "\n\ngo 1.27.0\n",
		"dstream/dstream.go": `package dstream

type Job struct{ Name string }
type Stream[T any] struct{ n *int }

func Map[T, U any](s Stream[T], f func(T) U) Stream[U] { return Stream[U]{} }
func Lines(job *Job) Stream[string]                   { return Stream[string]{} }
`,
		"driver/driver.go": `package driver

import "github.com/tidemill/tidemill/dstream"

func Main(build func(*dstream.Job)) {
	build(&dstream.Job{})
	println("ran")
}
`,
		"connectors/all/all.go":     "package all\n\nfunc init() { println(\"all connectors\") }\n",
		"connectors/files/files.go": "package files\n\nfunc init() { println(\"files only\") }\n",
	})
	return dir
}

// job is a program with the extra imports and the body of build.
func job(imports, body string) string {
	return "package main\n\nimport (\n\t\"github.com/tidemill/tidemill/driver\"\n\t\"github.com/tidemill/tidemill/dstream\"\n" + imports +
		")\n\nfunc main() { driver.Main(build) }\n\nfunc build(job *dstream.Job) {\n" + body + "}\n"
}

var plainJob = job("", "")

// in makes a folder with the files and works there.
func in(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, files)
	t.Chdir(dir)
	return dir
}

// output builds the job and gives what it prints.
func output(t *testing.T, o Options, args ...string) string {
	t.Helper()
	b, err := Job(t.Context(), args, o)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(b.Path).CombinedOutput()
	if err != nil {
		t.Fatal(err, string(out))
	}
	return string(out)
}

// tree is every file under dir with its content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWhereAJobMayLie(t *testing.T) {
	engine := smallEngine(t)
	const linked, own = "all connectors\nran\n", "files only\nran\n"
	mod := "module example.com/mine\n\ngo 1.27.0\n"
	helper := "package helper\n\nfunc Say() { println(\"helped\") }\n"
	helped := job("\t\"example.com/mine/helper\"\n", "\thelper.Say()\n")
	for _, c := range []struct {
		name  string
		files map[string]string
		args  []string
		want  string
	}{
		{"one file outside a module", map[string]string{"job.go": plainJob}, []string{"job.go"}, linked},
		{"a file in another folder, with a space", map[string]string{"a b/my job.go": plainJob}, []string{"a b/my job.go"}, linked},
		{"two files outside a module", map[string]string{
			"a.go": job("", "\tsay()\n"), "b.go": "package main\n\nfunc say() { println(\"b\") }\n", "c.go": "broken"},
			[]string{"a.go", "b.go"}, "all connectors\nb\nran\n"},
		{"a folder outside a module", map[string]string{
			"j/a.go": job("", "\tsay()\n"), "j/b.go": "package main\n\nfunc say() { println(\"b\") }\n", "j/a_test.go": "broken"},
			[]string{"./j"}, "all connectors\nb\nran\n"},
		{"connectors of its own choice", map[string]string{"job.go": job("\t_ \"github.com/tidemill/tidemill/connectors/files\"\n", "")}, []string{"job.go"}, own},
		{"a file that go build . leaves out", map[string]string{"job.go": "//go:build ignore\n\n" + plainJob}, []string{"job.go"}, linked},
		{"embedded files outside a module", map[string]string{
			"job.go":      strings.Replace(job("\t_ \"embed\"\n", "\tprint(words, odd)\n"), "func main", "//go:embed w/words.txt\nvar words string\n\n//go:embed \"a b.txt\"\nvar odd string\n\nfunc main", 1),
			"w/words.txt": "one\n", "a b.txt": "two\n"}, []string{"job.go"}, "all connectors\none\ntwo\nran\n"},
		{"a package in a module of its own", map[string]string{"go.mod": mod, "helper/h.go": helper, "cmd/j/main.go": helped},
			[]string{"./cmd/j"}, "all connectors\nhelped\nran\n"},
		{"a file in a module of its own", map[string]string{"go.mod": mod, "helper/h.go": helper, "j.go": helped},
			[]string{"j.go"}, "all connectors\nhelped\nran\n"},
		{"a module in a workspace of its own", map[string]string{
			"go.work": "go 1.27.0\n\nuse ./mine\nuse ./other\n", "other/go.mod": "module example.com/other\n\ngo 1.27.0\n",
			"other/o.go": "package other\n\nfunc Say() { println(\"other\") }\n", "mine/go.mod": mod,
			"mine/main.go": job("\t\"example.com/other\"\n", "\tother.Say()\n")},
			[]string{"mine"}, "all connectors\nother\nran\n"},
		{"a module that requires the engine", map[string]string{
			"go.mod":  mod + "\nrequire " + Module + " v0.0.0\n\nreplace " + Module + " => " + engine + "\n",
			"main.go": plainJob}, []string{"."}, linked},
		{"an older module", map[string]string{"go.mod": "module example.com/old\n\ngo 1.21\n", "main.go": plainJob}, []string{"."}, linked},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := in(t, c.files)
			before := tree(t, dir)
			if got := output(t, Options{Engine: engine, Cache: t.TempDir()}, c.args...); got != c.want {
				t.Errorf("printed %q, want %q", got, c.want)
			}
			after := tree(t, dir)
			if len(after) != len(before) {
				t.Errorf("files in the user's folder: %d, were %d", len(after), len(before))
			}
			for path, content := range before {
				if after[path] != content {
					t.Errorf("%s was changed", path)
				}
			}
		})
	}
}

func TestJobInTheEnginesModule(t *testing.T) {
	engine := smallEngine(t)
	write(t, engine, map[string]string{"examples/words/job.go": plainJob})
	t.Chdir(engine)
	for _, arg := range []string{"examples/words/job.go", "./examples/words"} {
		if got := output(t, Options{Cache: t.TempDir()}, arg); got != "all connectors\nran\n" {
			t.Error(arg, got)
		}
	}
}

func TestSameJobSameBinary(t *testing.T) {
	o := Options{Engine: smallEngine(t), Cache: t.TempDir()}
	in(t, map[string]string{"a/job.go": plainJob, "b/job.go": plainJob, "c/job.go": job("", "\tprintln(1)\n")})
	digest := map[string]string{}
	for _, name := range []string{"a", "b", "c"} {
		b, err := Job(t.Context(), []string{name + "/job.go"}, o)
		if err != nil {
			t.Fatal(err)
		}
		digest[name] = b.Digest
		if b.Name != "job" || filepath.Base(b.Path) != b.Digest || filepath.Base(b.Folder) != name {
			t.Errorf("%+v", b)
		}
	}
	if digest["a"] != digest["b"] || digest["a"] == digest["c"] {
		t.Error("the digest must depend on the code and not on its folder:", digest)
	}
}

func TestEditKeepsTheOldBinary(t *testing.T) {
	o := Options{Engine: smallEngine(t), Cache: t.TempDir()}
	dir := in(t, map[string]string{"job.go": job("", "\tprintln(1)\n")})
	one, err := Job(t.Context(), []string{"job.go"}, o)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"job.go": job("", "\tprintln(2)\n")})
	if got := output(t, o, "job.go"); !strings.Contains(got, "2") {
		t.Error("after the edit:", got)
	}
	if out, err := exec.Command(one.Path).CombinedOutput(); err != nil || !strings.Contains(string(out), "1") {
		t.Error("the old binary:", string(out), err)
	}
}

func TestTwoBuildsAtOnce(t *testing.T) {
	o := Options{Engine: smallEngine(t), Cache: t.TempDir()}
	in(t, map[string]string{"job.go": plainJob})
	var both [2]*Binary
	var g errgroup.Group
	for i := range both {
		g.Go(func() (err error) {
			both[i], err = Job(t.Context(), []string{"job.go"}, o)
			return err
		})
	}
	if err := g.Wait(); err != nil || both[0].Digest != both[1].Digest {
		t.Error(err)
	}
}

func TestOldJobsAreRemovedFromTheCache(t *testing.T) {
	o := Options{Engine: smallEngine(t), Cache: t.TempDir()}
	jobs := filepath.Join(o.Cache, "jobs")
	for i := range kept + 1 {
		write(t, jobs, map[string]string{fmt.Sprintf("%02d/lock", i): ""})
		old := time.Unix(int64(i), 0)
		if err := os.Chtimes(filepath.Join(jobs, fmt.Sprintf("%02d", i)), old, old); err != nil {
			t.Fatal(err)
		}
	}
	unlock, err := lock(t.Context(), filepath.Join(jobs, "00")) // as a build that runs
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	in(t, map[string]string{"job.go": plainJob})
	output(t, o, "job.go")
	for i, want := range []bool{true, false, true} {
		if _, err := os.Stat(filepath.Join(jobs, fmt.Sprintf("%02d", i))); (err == nil) != want {
			t.Errorf("job %d: %v, there %v", i, err, want)
		}
	}
}

func TestCancelled(t *testing.T) {
	in(t, map[string]string{"job.go": plainJob})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Job(ctx, []string{"job.go"}, Options{Engine: smallEngine(t), Cache: t.TempDir()}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
