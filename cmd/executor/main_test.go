package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv("EXECUTOR_TEST") != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestSaysThatThereIsNoCluster(t *testing.T) {
	cmd := exec.Command(os.Args[0], "--join", "127.0.0.1:1")
	cmd.Env = append(os.Environ(), "EXECUTOR_TEST=1")
	out, err := cmd.CombinedOutput()
	if err == nil || strings.TrimSpace(string(out)) != message {
		t.Errorf("%v: %s", err, out)
	}
}
