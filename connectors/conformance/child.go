package conformance

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// What a child is told by its environment: which check it belongs to, the folder of the check, and a file for its answer.
const (
	envCheck  = "TIDEMILL_CONFORMANCE_CHECK"
	envFolder = "TIDEMILL_CONFORMANCE_FOLDER"
	envAnswer = "TIDEMILL_CONFORMANCE_ANSWER"
)

const ready = "conformance: ready to be killed"

// childOf returns the check that this process is the child of, "" if it is none.
func childOf(t testing.TB) string {
	test, check, _ := strings.Cut(os.Getenv(envCheck), "|")
	if check == "" || test != t.Name() {
		return ""
	}
	return check
}

// waitForDeath is the end of a child that did its half. It does not outlive its parent, which holds the other end of its input.
func waitForDeath() {
	fmt.Println("\n" + ready)
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(1)
}

// kill runs the test again as a child, waits until it is ready, kills it and returns its answer.
func kill(test, check, dir string) ([]byte, error) {
	answer := dir + ".answer"
	parts := strings.Split(test, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	cmd := exec.Command(os.Args[0], "-test.run="+strings.Join(parts, "/"), "-test.count=1", "-test.timeout=1m")
	cmd.Env = append(os.Environ(), envCheck+"="+test+"|"+check, envFolder+"="+dir, envAnswer+"="+answer)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = cmd.Stdout
	if _, err := cmd.StdinPipe(); err != nil { // closed by Wait
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var said strings.Builder
	lines := bufio.NewScanner(io.TeeReader(out, &said))
	alive := false
	for !alive && lines.Scan() {
		alive = strings.Contains(lines.Text(), ready)
	}
	err = errors.Join(cmd.Process.Kill(), ignoreExit(cmd.Wait()))
	if !alive {
		return nil, fmt.Errorf("the child ended before it could be killed:\n%s", said.String())
	}
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(answer)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return content, err
}

func ignoreExit(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}
