package build

import (
	"bytes"
	"context"
	"errors"
	"go/version"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// goTool is the go command of the machine.
type goTool struct {
	path    string
	version string // for GOTOOLCHAIN: the toolchain to build with, "" to leave that to the command
}

// findGo finds the go command. Which one it is matters little: from Go 1.21 on it fetches the toolchain it is told.
func findGo() (*goTool, error) {
	path, err := exec.LookPath("go")
	if err != nil {
		return nil, errors.New("no go command in PATH: jobs are compiled on this machine; install Go (https://go.dev/dl), or put its bin folder into PATH")
	}
	return &goTool{path, toolchain(os.Getenv("GOTOOLCHAIN"), runtime.Version())}, nil
}

// toolchain is the value of GOTOOLCHAIN to build with: the toolchain that this program was built with, so that the
// build cache is shared, unless the user set a newer one. "+auto" lets a module of the user's ask for more. A
// development version of Go cannot be asked for by name.
func toolchain(set, running string) string {
	running, _, _ = strings.Cut(running, " ")
	named, _, _ := strings.Cut(set, "+")
	if !version.IsValid(running) || (version.IsValid(named) && version.Compare(named, running) > 0) {
		return set
	}
	return running + "+auto"
}

// environ is the process's environment with the toolchain and the assignments laid over, for a binary that
// runs here.
func (g *goTool) environ(assign ...string) []string {
	env := append(os.Environ(), "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH, "GOTOOLCHAIN="+g.version)
	return append(env, assign...)
}

// run runs the go command and gives all that it printed. When ctx ends the command is interrupted, so that it can
// remove its temporary files.
func (g *goTool) run(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, g.path, args...)
	cmd.Dir = dir
	cmd.Env = append(env, "PWD="+dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	return out.String(), err
}

// withoutMod takes the flags out of GOFLAGS that contradict a workspace.
func withoutMod(flags string) string {
	var keep []string
	for f := range strings.FieldsSeq(flags) {
		name, _, _ := strings.Cut(strings.TrimLeft(f, "-"), "=")
		if name != "mod" && name != "modfile" {
			keep = append(keep, f)
		}
	}
	return strings.Join(keep, " ")
}
