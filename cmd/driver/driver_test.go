package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMain lets the test binary be the driver, so that signals, statuses and standard files are real.
func TestMain(m *testing.M) {
	if os.Getenv("DRIVER_TEST") != "" {
		main()
	}
	os.Exit(m.Run())
}

// place is a folder for a user, with a home of its own and an engine whose Main prints what it was told.
type place struct {
	*testing.T
	dir, cache string
	env        []string
}

const smallEngine = `package driver

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/tidemill/tidemill/dstream"
)

func Main(build func(*dstream.Job)) {
	env := slices.Sorted(slices.Values(os.Environ()))
	for _, e := range env {
		if strings.HasPrefix(e, "TIDEMILL_") && !strings.HasPrefix(e, "TIDEMILL_ENGINE") && !strings.HasPrefix(e, "TIDEMILL_TELL") {
			fmt.Println(e)
		}
	}
	fmt.Printf("args %q\n", os.Args[1:])
	build(&dstream.Job{})
}
`

func newPlace(t *testing.T) *place {
	p := &place{T: t, dir: t.TempDir(), cache: t.TempDir()}
	engine := t.TempDir()
	p.write(engine, "go.mod", "module github.com/tidemill/tidemill\n\ngo 1.27.0\n")
	p.write(engine, "driver/driver.go", smallEngine)
	p.write(engine, "dstream/dstream.go", "package dstream\n\ntype Job struct{}\n")
	p.write(engine, "connectors/all/all.go", "package all\n")
	goCache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "TIDEMILL_") {
			p.env = append(p.env, e)
		}
	}
	p.env = append(p.env, "DRIVER_TEST=1", "TIDEMILL_ENGINE="+engine, "XDG_CACHE_HOME="+p.cache, "XDG_STATE_HOME="+p.cache,
		"GOCACHE="+strings.TrimSpace(string(goCache)))
	return p
}

func (p *place) write(dir, name, content string) {
	p.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		p.Fatal(err)
	}
}

// job writes job.go with the body of build.
func (p *place) job(body string) {
	p.write(p.dir, "job.go", `package main

import (
	"fmt"
	"os"

	"github.com/tidemill/tidemill/driver"
	"github.com/tidemill/tidemill/dstream"
)

func main() { driver.Main(build) }

func build(job *dstream.Job) {
	fmt.Fprint(os.Stderr, "")
`+body+"\n}\n")
}

// driver runs the driver in the place and gives what it printed, both streams, and its status.
func (p *place) driver(args ...string) (string, int) {
	p.Helper()
	self, err := os.Executable()
	if err != nil {
		p.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Dir, cmd.Env = p.dir, p.env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Stdin = strings.NewReader("typed\n")
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		p.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// slow is what the driver says when a build takes long, as on a busy machine it does.
var slow = regexp.MustCompile(`(?m)^building .* \(the first build compiles the engine, which takes a minute or two\)\n`)

// expect runs the driver and compares.
func (p *place) expect(want string, status int, args ...string) {
	p.Helper()
	got, s := p.driver(args...)
	got = slow.ReplaceAllString(got, "")
	if got != want || s != status {
		p.Errorf("driver %s: status %d, want %d\ngot:\n%s\nwant:\n%s", strings.Join(args, " "), s, status, got, want)
	}
}

func TestRunTellsTheJob(t *testing.T) {
	p := newPlace(t)
	p.job("\tvar s string\n\tfmt.Scanln(&s)\n\tfmt.Println(s)")
	p.expect("TIDEMILL_JOB_FILE=job\nargs []\ntyped\n", 0, "run", "job.go")
	p.write(p.dir, "tidemill.yaml", "interval: 2s\n")
	p.expect(`TIDEMILL_ACCEPT_LOSS=true
TIDEMILL_CONFIG=tidemill.yaml
TIDEMILL_FRESH=true
TIDEMILL_INTERVAL=5ms
TIDEMILL_JOB_FILE=job
TIDEMILL_TAKEOVER=true
TIDEMILL_UI=off
args ["-topic" "x" "run"]
typed
`, 0, "run", "--ui=", "--fresh", "--accept-loss", "--interval", "5ms", "job.go", "--takeover", "--", "-topic", "x", "run")
	p.expect("TIDEMILL_CONFIG=tidemill.yaml\nTIDEMILL_JOB_FILE=job\nTIDEMILL_MODE=explain\nargs []\ntyped\n", 0, "explain", "./job.go")
}

func TestConfigurationBesideTheJob(t *testing.T) {
	p := newPlace(t)
	p.job("")
	p.write(p.dir, "sub/tidemill.yaml", "")
	if err := os.Rename(filepath.Join(p.dir, "job.go"), filepath.Join(p.dir, "sub/job.go")); err != nil {
		t.Fatal(err)
	}
	p.expect("TIDEMILL_CONFIG=sub/tidemill.yaml\nTIDEMILL_JOB_FILE=job\nargs []\n", 0, "run", "sub/job.go")
}

func TestRunAnswers(t *testing.T) {
	p := newPlace(t)
	p.job("\tos.Exit(5)")
	p.expect("TIDEMILL_JOB_FILE=job\nargs []\n", 5, "run", "job.go")
	p.job("\tjob.nope()")
	p.expect("job.go:15:6: job.nope undefined (type *dstream.Job has no field or method nope)\n", 1, "run", "job.go")
	p.expect("--interval: interval: 5 what? write 5ms or 5s; accepted: a duration with a unit (ms, s, m, h), 1ms to 24h, for example 500ms\n",
		1, "run", "--interval", "5", "job.go")
	p.expect("driver: no job named: write a .go file, several of one folder, or a folder\n", 1, "run", "--", "job.go")
	p.expect("driver: unknown flag: --nope\n", 1, "run", "--nope", "job.go")
	p.write(p.dir, "bad.yaml", "intervall: 1s\n")
	p.expect("bad.yaml:1: intervall: unknown key; did you mean interval?\n", 1, "run", "--config", "bad.yaml", "job.go")
}

// The job crashes at its first start before it opens its checkpoint, and at its second after; --fresh must be there at
// the second start and gone at the third.
func TestFreshUntilTheCheckpointIsOpen(t *testing.T) {
	p := newPlace(t)
	p.job(`	n, _ := os.ReadFile("n")
	os.WriteFile("n", append(n, '.'), 0o600)
	switch len(n) {
	case 0:
		os.Exit(70)
	case 1:
		os.WriteFile(os.Getenv("TIDEMILL_TELL"), []byte("none"), 0o600)
		panic("a bug")
	}`)
	got, status := p.driver("run", "--fresh", "--accept-loss", "job.go")
	starts := strings.Split(got, "args []")
	if status != 0 || len(starts) != 4 {
		t.Fatal(status, got)
	}
	for i, want := range []bool{true, true, false} {
		if strings.Contains(starts[i], "TIDEMILL_FRESH") != want || strings.Contains(starts[i], "TIDEMILL_ACCEPT_LOSS") != want {
			t.Errorf("start %d: %s", i, starts[i])
		}
	}
	if !strings.Contains(got, "driver: the job crashed before its first batch was committed (exit status 70); starting it again in 250ms") {
		t.Error(got)
	}
}

func TestSmallCommands(t *testing.T) {
	p := newPlace(t)
	for _, c := range []struct{ args, want string }{
		{"config", "memory.blocks = 256MiB\n"},
		{"config --markdown", "| `memory.blocks` | `256MiB` |"},
		{"version", "\nengine /"},
		{"--help", "explain"},
	} {
		if got, status := p.driver(strings.Fields(c.args)...); status != 0 || !strings.Contains(got, c.want) {
			t.Errorf("driver %s: %d\n%s", c.args, status, got)
		}
	}
	if got, status := p.driver("fly"); status != 1 || !strings.Contains(got, "fly") {
		t.Error(status, got)
	}
}

func TestBatchesOfWhichJob(t *testing.T) {
	p := newPlace(t)
	p.expect("driver: which job? name one, or give --checkpoint\n", 1, "batches")
	p.write(p.cache, "tidemill/ads/x", "")
	p.expect("driver: which job? name one, or give --checkpoint; jobs with one: ads\n", 1, "batches")
	got, status := p.driver("batches", "clicks")
	if status != 1 || !strings.Contains(got, "job clicks has no checkpoint in ") || !strings.HasSuffix(got, "; jobs with one: ads\n") {
		t.Error(status, got)
	}
	p.expect("driver: --last: at least 1\n", 1, "batches", "--last", "0", "ads")
}

func TestMainsAreShort(t *testing.T) {
	for _, path := range []string{"main.go", "../executor/main.go"} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(b, []byte("\n")); n > 100 {
			t.Errorf("%s has %d lines", path, n)
		}
	}
}
