package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// awayFor is how long a service is away while the job runs.
func awayFor() time.Duration {
	if os.Getenv("TIDEMILL_NIGHTLY") != "" {
		return 5 * time.Minute
	}
	return 5 * time.Second
}

// TestServicesAway takes Cassandra and then Kafka away from a running job: it says what it waits for, waits as long as it takes, and goes on
// by itself when they are back.
func TestServicesAway(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a broker and a node, and takes them away")
	}
	b := newOnBoth(t)
	out := &heard{}
	cmd := exec.Command(b.binary)
	cmd.Env = append(os.Environ(), "TIDEMILL_CONFIG="+b.config)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	b.more(ended, 3)
	for _, s := range []struct {
		name string
		kill func(...int) error
		back func(...int) error
	}{{"cassandra", b.cassandra.Kill, b.cassandra.Start}, {"kafka", b.kafka.Kill, b.kafka.Start}} {
		s.kill(0)
		out.await(t, ended, "waiting for", s.name)
		select {
		case err := <-ended:
			t.Fatalf("the job did not wait for %s: %v\n%s", s.name, err, out)
		case <-time.After(awayFor()):
		}
		s.back(0)
		b.more(ended, 3)
	}
	if err := <-ended; err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b.compareBoth("at the end", true)
}

// heard is what a job prints.
type heard struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(p)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

// await waits for a line with all the words.
func (h *heard) await(t *testing.T, ended <-chan error, words ...string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		for line := range strings.Lines(h.String()) {
			all := true
			for _, w := range words {
				all = all && strings.Contains(line, w)
			}
			if all {
				return
			}
		}
		select {
		case err := <-ended:
			t.Fatalf("the job ended: %v\n%s", err, h)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("it has not said %q within a minute:\n%s", words, h)
		}
	}
}
