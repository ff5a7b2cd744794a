package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/executor/node"
)

// namedEngine is an engine whose Main says the job's name if it is asked for it, and else runs until it is told to stop.
const namedEngine = `package driver

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/tidemill/tidemill/dstream"
)

func Main(build func(*dstream.Job)) {
	build(&dstream.Job{})
	if os.Getenv("TIDEMILL_MODE") == "name" {
		fmt.Println("ads")
		return
	}
	fmt.Println("runs with", os.Getenv("TIDEMILL_INTERVAL"), os.Getenv("TIDEMILL_FRESH"), os.Getenv("TIDEMILL_CLUSTER_CA"), os.Getenv("TIDEMILL_CLUSTER_EXECUTORS"), os.Args[1:])
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	<-c
}
`

// executorOutput passes on lines that an executor prints.
type executorOutput chan string

func (o executorOutput) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		select {
		case o <- strings.TrimSpace(line):
		default:
		}
	}
	return len(p), nil
}

// executor runs an executor for the time of the test.
func executor(t *testing.T) (node.About, executorOutput) {
	t.Helper()
	out := make(executorOutput, 1000)
	started, ended := make(chan node.About, 1), make(chan error, 1)
	ctx, end := context.WithCancel(t.Context())
	go func() {
		ended <- node.Run(ctx, node.Options{Name: "ex-1", Listen: "127.0.0.1:0", Gossip: "127.0.0.1:0", Dir: t.TempDir(), Memory: 1 << 30, Grace: time.Second,
			Out: out, Started: func(a node.About) { started <- a }})
	}()
	t.Cleanup(func() {
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case a := <-started:
		return a, out
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	}
	return node.About{}, nil
}

func (o executorOutput) await(t *testing.T, text string) {
	t.Helper()
	limit := time.After(30 * time.Second)
	for {
		select {
		case line := <-o:
			if strings.Contains(line, text) {
				return
			}
		case <-limit:
			t.Fatalf("no line with %q", text)
		}
	}
}

func TestSubmitAndStop(t *testing.T) {
	p := newPlace(t)
	p.job("")
	for _, e := range p.env {
		if dir, ok := strings.CutPrefix(e, "TIDEMILL_ENGINE="); ok {
			p.write(dir, "driver/driver.go", namedEngine)
		}
	}
	a, out := executor(t)
	p.write(p.dir, "tidemill.yaml", "cluster:\n  address: "+a.Address+"\n  ca: here.pem\n")
	p.expect("no jobs\n", 0, "jobs", "--ca", "")
	got, status := p.driver("submit", "--ca", "", "--interval", "2s", "--executors", "3", "--fresh", "job.go", "--", "-topic", "x")
	if status != 0 || !strings.HasSuffix(got, "ads: its driver runs on executor ex-1; driver jobs, scale and stop show and change it\n") {
		t.Fatal(status, got)
	}
	out.await(t, "runs with 2s true  3 [-topic x]")
	got, status = p.driver("jobs", "--ca", "")
	if status != 0 || !strings.Contains(got, "ads  starting  on ex-1") {
		t.Error(status, got)
	}
	got, status = p.driver("jobs", "--ca", "", "--json")
	if status != 0 || !strings.Contains(got, `{"job":"ads","state":"starting","host":"ex-1",`) {
		t.Error(status, got)
	}
	got, status = p.driver("submit", "--ca", "", "job.go")
	if status != 1 || !strings.HasSuffix(got, "driver: job ads was submitted already, its driver is on executor ex-1: stop it first, or give --standby\n") {
		t.Error(status, got)
	}
	p.expect("driver: no job \"adz\" runs in the cluster; did you mean ads?; jobs: ads\n", 1, "scale", "--ca", "", "adz", "3")
	p.expect("ads: ending its driver on ex-1\nads: stopped\n", 0, "stop", "--ca", "", "ads")
	p.expect("no jobs\n", 0, "jobs", "--ca", "")
}

func TestClusterMistakes(t *testing.T) {
	p := newPlace(t)
	p.expect("driver: which cluster? give the address of an executor: --cluster host:port, TIDEMILL_CLUSTER_ADDRESS, or cluster.address in tidemill.yaml\n", 1, "jobs")
	p.expect("--cluster: cluster.address: \"here\" is no host:port; accepted: host:port, several by commas, for example 10.0.0.1:7077\n", 1, "jobs", "--cluster", "here")
	p.expect("driver: \"many\" is no number of executors: write 0, for all, to 10000\n", 1, "scale", "ads", "many")
	got, status := p.driver("stop", "--cluster", "127.0.0.1:1", "ads")
	if status != 1 || !strings.HasPrefix(got, "driver: no executor answers: 127.0.0.1:1: ") || !strings.Contains(got, "refused") {
		t.Error(status, got)
	}
	got, status = p.driver("jobs", "--cluster", "127.0.0.1:1", "--cert", "nowhere.pem")
	if status != 1 || !strings.Contains(got, "CA certificate and key not given") {
		t.Error(status, got)
	}
}
