package supervise

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The test binary is also the job and the supervisor, as this variable says.
const roleVar = "SUPERVISE_TEST_ROLE"

func TestMain(m *testing.M) {
	switch role := os.Getenv(roleVar); {
	case role == "":
		goleak.VerifyTestMain(m)
	case role == "supervisor":
		status, err := Run(Options{Command: self(os.Stdout, "job "+os.Getenv("SUPERVISE_TEST_JOB"))})
		fmt.Println("status", status, err)
		os.Exit(0)
	default:
		job(strings.Fields(role)[1:])
	}
}

// job does its n-th word at its n-th start; starts are counted by lines of a file.
func job(words []string) {
	if len(words) > 1 {
		words = words[nth():]
	}
	switch words[0] {
	case "exit0":
		os.Exit(0)
	case "exit1":
		os.Exit(1)
	case "exit70":
		os.Exit(70)
	case "panic":
		panic("a bug")
	case "kill":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "wait": // until the second signal, as a job finishes its batch after the first
		c := make(chan os.Signal, 2)
		signal.Notify(c, syscall.SIGINT, syscall.SIGTERM)
		fmt.Println("up")
		fmt.Println("got", <-c)
		fmt.Println("got", <-c)
		os.Exit(3)
	case "deaf":
		signal.Ignore(syscall.SIGINT, syscall.SIGTERM)
		fmt.Println("up")
		select {}
	case "meek": // dies of the signal
		fmt.Println("up")
		select {}
	}
}

func nth() int {
	f, err := os.OpenFile(os.Getenv("SUPERVISE_TEST_COUNT"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	n, _ := f.Seek(0, io.SeekEnd)
	fmt.Fprint(f, ".")
	return int(n)
}

// self makes commands that run this binary in the role.
func self(out io.Writer, role string, env ...string) func() *exec.Cmd {
	return func() *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(append(os.Environ(), env...), roleVar+"="+role)
		cmd.Stdout = out
		return cmd
	}
}

func TestRun(t *testing.T) {
	for _, c := range []struct {
		job      string
		status   int
		restarts int
	}{
		{"exit0", 0, 0}, {"exit1", 1, 0},
		{"panic exit0", 0, 1}, {"exit70 exit1", 1, 1}, {"kill kill exit0", 0, 2},
		{"kill kill kill exit0", 137, 2}, {"panic panic panic exit0", 2, 2},
	} {
		t.Run(c.job, func(t *testing.T) {
			count, waits := "SUPERVISE_TEST_COUNT="+filepath.Join(t.TempDir(), "n"), 0
			status, err := Run(Options{
				Command: self(io.Discard, "job "+c.job, count), Log: io.Discard,
				after: func(time.Duration) <-chan time.Time { waits++; return time.After(0) },
			})
			if err != nil || status != c.status || waits != c.restarts {
				t.Errorf("status %d, %d restarts, %v; want %d, %d", status, waits, err, c.status, c.restarts)
			}
		})
	}
}

func TestRunOfNothing(t *testing.T) {
	_, err := Run(Options{Command: func() *exec.Cmd { return exec.Command("/no/such/binary") }})
	if err == nil || !strings.HasPrefix(err.Error(), "start the job: ") {
		t.Error(err)
	}
}

// supervisor starts a supervisor of the job in a process of its own, and waits until the job is up. The reader ends
// when both are dead.
func supervisor(t *testing.T, job string) (*os.Process, *bufio.Reader) {
	t.Helper()
	cmd := self(nil, "supervisor", "SUPERVISE_TEST_JOB="+job)()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	r := bufio.NewReader(out)
	expect(t, r, "up")
	return cmd.Process, r
}

func expect(t *testing.T, r *bufio.Reader, want string) {
	t.Helper()
	if got, err := r.ReadString('\n'); err != nil || got != want+"\n" {
		t.Fatalf("%q, %v, want %q", got, err, want)
	}
}

func TestSignalsArePassedOn(t *testing.T) {
	p, r := supervisor(t, "wait")
	p.Signal(syscall.SIGINT)
	expect(t, r, "got interrupt")
	p.Signal(syscall.SIGTERM)
	expect(t, r, "got terminated")
	expect(t, r, "status 3 <nil>")
}

// A job that dies of the signal that stops it has not crashed.
func TestStoppedIsNotCrashed(t *testing.T) {
	p, r := supervisor(t, "meek")
	p.Signal(syscall.SIGTERM)
	expect(t, r, "status 143 <nil>")
}

func TestThirdSignalKills(t *testing.T) {
	p, r := supervisor(t, "deaf")
	// Equal signals merge while they are pending, so these differ; the job ignores two of them.
	p.Signal(syscall.SIGINT)
	p.Signal(syscall.SIGTERM)
	p.Signal(syscall.SIGHUP)
	expect(t, r, "status 137 <nil>")
}

func TestJobDiesWithItsSupervisor(t *testing.T) {
	p, r := supervisor(t, "deaf")
	p.Kill()
	if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
		t.Error(string(rest), err)
	}
}
