package servicetest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const envSpawns = "TIDEMILL_SERVICETEST_SPAWNS"

// A child dies with its parent, however that ends: also when it is paused at the time.
func TestChildDiesWithItsParent(t *testing.T) {
	if os.Getenv(envSpawns) != "" {
		spawnAndWait(t)
		return
	}
	for _, paused := range []bool{false, true} {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), envSpawns+"=1")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		pid, _ := strconv.Atoi(strings.TrimSpace(line))
		if pid == 0 {
			t.Fatalf("the parent said %q, %v", line, err)
		}
		if !alive(pid) {
			t.Fatal("the child ended before its parent")
		}
		if paused {
			if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		within(t, "the child lives on", func() bool { return !alive(pid) })
	}
}

// spawnAndWait is the parent.
func spawnAndWait(t *testing.T) {
	c, err := spawn(exec.Command("sleep", "300"))
	if err != nil {
		t.Fatal(err)
	}
	for range 100 { // many threads come and go, which the child must not take for its parent
		go runtime.LockOSThread()
	}
	fmt.Println(c.proc.Pid)
	<-c.done
}

func TestChildEnds(t *testing.T) {
	c, err := spawn(exec.Command("sh", "-c", "exit 3"))
	if err != nil {
		t.Fatal(err)
	}
	<-c.done
	if c.how() != "exit status 3" || c.signal(syscall.SIGKILL) != nil {
		t.Error(c.how())
	}
	if _, err := spawn(exec.Command(filepath.Join(t.TempDir(), "none"))); err == nil {
		t.Error("a program that is not there was started")
	}
	c, err = spawn(exec.Command("sleep", "300"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := c.gone(time.Millisecond); err == nil || !strings.Contains(err.Error(), "was killed") {
		t.Errorf("one that does not end: %v", err)
	}
}

// alive tells whether a process is there and no zombie.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

// within fails the test if something does not come true soon.
func within(t *testing.T, not string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal(not)
		}
	}
}

// processesIn are those with a command line that names a folder.
func processesIn(dir string) (out []string) {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, l := range lines {
		if b, err := os.ReadFile(l); err == nil && strings.Contains(string(b), dir+"/") {
			out = append(out, l)
		}
	}
	return out
}
