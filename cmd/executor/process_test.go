package main

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// bound is how long anything may take on a machine that is busy: far more than it does, and less than for ever.
const bound = 90 * time.Second

// process is a process of the test, which dies with it, and what it printed.
type process struct {
	t     *testing.T
	name  string
	cmd   *exec.Cmd
	ended chan struct{}

	mu   sync.Mutex // guards what follows
	text bytes.Buffer
	more chan struct{} // closed at the next output
}

// run starts this test binary as an executor or as a job.
func run(t *testing.T, name string, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: name, cmd: exec.Command(os.Args[0], args...), ended: make(chan struct{}), more: make(chan struct{})}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TIDEMILL_") {
			p.cmd.Env = append(p.cmd.Env, v)
		}
	}
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait() // how it ended is in ProcessState
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.ended
		if t.Failed() {
			t.Logf("%s said:\n%s", name, p)
		}
		p.tidy()
	})
	return p
}

// Write takes output.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text.Write(b)
	close(p.more)
	p.more = make(chan struct{})
	return len(b), nil
}

// String is all that it has printed.
func (p *process) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// says waits until a line has all of the words.
func (p *process) says(words ...string) string {
	p.t.Helper()
	late := time.After(bound)
	for over := false; ; {
		p.mu.Lock()
		text, more := p.text.String(), p.more
		p.mu.Unlock()
		for line := range strings.Lines(text) {
			if hasAll(line, words) {
				return line
			}
		}
		if over {
			p.t.Fatalf("%s ended, %v, and did not say %q in one line", p.name, p.cmd.ProcessState, words)
		}
		select {
		case <-more:
		case <-p.ended:
			over = true
		case <-late:
			p.t.Fatalf("%s does not say %q in one line", p.name, words)
		}
	}
}

func hasAll(line string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(line, w) {
			return false
		}
	}
	return true
}

// never looks for words that it must not have said.
func (p *process) never(words ...string) {
	p.t.Helper()
	for _, w := range words {
		if strings.Contains(p.String(), w) {
			p.t.Errorf("%s says %q", p.name, w)
		}
	}
}

// ends waits for the end, with a status.
func (p *process) ends(status int) {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(bound):
		p.t.Fatalf("%s does not end", p.name)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != status {
		p.t.Errorf("%s ended with %v, want status %d", p.name, p.cmd.ProcessState, status)
	}
}

// stops tells it to end, twice: the first signal waits for the batch at hand. It must do so by itself.
func (p *process) stops() {
	p.t.Helper()
	for range 2 {
		p.cmd.Process.Signal(syscall.SIGTERM)
	}
	select {
	case <-p.ended:
	case <-time.After(bound):
		p.t.Fatalf("%s does not end when it is told to", p.name)
	}
	if p.cmd.ProcessState.ExitCode() < 0 {
		p.t.Errorf("%s: %v", p.name, p.cmd.ProcessState)
	}
}

// ugly is what nobody wants to read: what is left of a program's insides, and a message in quotes that is none of ours.
var ugly = regexp.MustCompile(`(?m)rpc error: code|desc = |transport: |%!|"connect to|^runtime error`)

func (p *process) tidy() {
	if line := ugly.FindString(p.String()); line != "" {
		p.t.Errorf("%s says %q:\n%s", p.name, line, p)
	}
}

// executor is one that has started.
type executor struct {
	*process
	dir           string
	calls, gossip string // addresses
}

var announced = regexp.MustCompile(`calls at (\S+), gossip at (\S+)`)

// launch starts an executor in a folder of its own, on loopback with ports from the system, unless flags say otherwise.
func launch(t *testing.T, name string, flags ...string) *executor {
	t.Helper()
	e := &executor{dir: t.TempDir()}
	for flag, value := range map[string]string{"--name": name, "--listen": "127.0.0.1:0", "--gossip": "127.0.0.1:0", "--dir": e.dir, "--memory": "1GiB", "--slots": "2"} {
		if !slices.Contains(flags, flag) && (flag != "--name" || !slices.Contains(flags, "--cert")) { // the name is the certificate's
			flags = append(flags, flag, value)
		}
	}
	e.process = run(t, name, []string{"EXECUTOR_TEST=1"}, flags...)
	return e
}

// start launches an executor and waits until it serves.
func start(t *testing.T, name string, flags ...string) *executor {
	t.Helper()
	e := launch(t, name, flags...)
	m := announced.FindStringSubmatch(e.says(": calls at "))
	if m == nil {
		t.Fatalf("where is it? %s", e)
	}
	e.calls, e.gossip = m[1], m[2]
	return e
}
