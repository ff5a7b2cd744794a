package main

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/tidemill/tidemill/connectors/servicetest"
	"github.com/tidemill/tidemill/driver"
)

// The test binary is also the executor, and a job: its driver and its workers.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv("TIDEMILL_MODE") != "":
		driver.Main(views)
	case os.Getenv("EXECUTOR_TEST") != "":
		main()
		os.Exit(0)
	}
	servicetest.Main(m)
}

func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "EXECUTOR_TEST=1")
	return cmd
}

func TestSaysWhatItIsAndDrains(t *testing.T) {
	cmd := command(t, "--name", "e1", "--listen", "127.0.0.1:0", "--gossip", "127.0.0.1:0", "--dir", t.TempDir(), "--slots", "3", "--memory", "2GiB", "--grace", "1h")
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	out := bufio.NewReader(pipe)
	for _, want := range []string{"executor e1: version ", "executor e1: calls at 127.0.0.1:", "executor e1: security: loopback only, without TLS", "executor e1: 1 executor in the cluster: e1 127.0.0.1:"} {
		line, err := out.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, want) {
			t.Fatalf("%q, %v, want %s…", line, err, want)
		}
		if strings.Contains(want, "version") && !strings.HasSuffix(line, "3 slots, 2GiB of memory\n") {
			t.Errorf("%q", line)
		}
	}
	cmd.Process.Signal(syscall.SIGTERM)
	if line, err := out.ReadString('\n'); err != nil || !strings.HasPrefix(line, "executor: draining") {
		t.Errorf("%q, %v", line, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args, want string
	}{
		{"--memory 2", "--memory: 2 what? write 2MiB or 2B"},
		{"--listen 0.0.0.0:0 --advertise 10.0.0.1", "driver certs init"},
		{"--listen 0.0.0.0:0", "--advertise"},
		{"--cert x.pem", "credentials: "},
		{"--ca /no/such --cert /no/such --key /no/such", "credentials: "},
		{"--nam x", "unknown flag: --nam"},
		{"job.go", "unknown command"},
		{"--slots -1", "slots: -1 is not 1 to 4096"},
	} {
		out, err := command(t, append([]string{"--dir", t.TempDir(), "--gossip", "127.0.0.1:0"}, strings.Fields(c.args)...)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), c.want) || strings.Count(string(out), "\n") != 1 {
			t.Errorf("%s: %v: %s", c.args, err, out)
		}
	}
}
