package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
)

// engineDir is set by the Makefile: -ldflags "-X github.com/tidemill/tidemill/driver/build.engineDir=<folder>". It is
// the surest of the ways below, since -trimpath takes the folder out of the binary.
var engineDir string

// Engine finds the folder of the engine's source for a job in jobDir. The first of these counts: TIDEMILL_ENGINE; the
// folder that this program was built from, as the Makefile or the compiler recorded it or as the program still lies
// in it; the module around the job, if it is the engine's; the version of the engine that this program was installed
// from, out of the module cache. An error says what to do.
func Engine(ctx context.Context, jobDir string) (string, error) {
	if dir := os.Getenv("TIDEMILL_ENGINE"); dir != "" {
		if !isEngine(dir) {
			return "", fmt.Errorf("TIDEMILL_ENGINE=%s: no source of %s is there", dir, Module)
		}
		return filepath.Abs(dir)
	}
	if isEngine(engineDir) {
		return engineDir, nil
	}
	for _, from := range []string{sourceDir(), programDir(), jobDir} {
		if dir := findModule(from); dir != "" && isEngine(dir) {
			return dir, nil
		}
	}
	return downloaded(ctx)
}

// sourceDir is the folder of this file where the program was built, or "" if -trimpath removed it.
func sourceDir() string {
	_, file, _, _ := runtime.Caller(0)
	if !filepath.IsAbs(file) {
		return ""
	}
	return filepath.Dir(file)
}

func programDir() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	return filepath.Dir(path)
}

// downloaded is the folder in the module cache of the version that `go install` made this program from.
func downloaded(ctx context.Context) (string, error) {
	none := errors.New("the engine's source is not found: set TIDEMILL_ENGINE to a clone of " + Module)
	b, ok := debug.ReadBuildInfo()
	if !ok || b.Main.Path != Module || b.Main.Version == "" || b.Main.Version == "(devel)" {
		return "", none
	}
	tool, err := findGo()
	if err != nil {
		return "", err
	}
	env := tool.environ("GOWORK=off", "GOFLAGS=-mod=mod")
	out, err := tool.run(ctx, os.TempDir(), env, "mod", "download", "-json", Module+"@"+b.Main.Version)
	var found struct{ Dir string }
	if jsonErr := json.Unmarshal([]byte(out), &found); err != nil || jsonErr != nil || !isEngine(found.Dir) {
		return "", fmt.Errorf("%w; version %s could not be downloaded", none, b.Main.Version)
	}
	return found.Dir, nil
}

// findModule is the nearest folder upwards from dir with a go.mod, or "".
func findModule(dir string) string { return findUp(dir, "go.mod") }

func findUp(dir, name string) string {
	for dir != "" {
		if st, err := os.Stat(filepath.Join(dir, name)); err == nil && st.Mode().IsRegular() {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
	return ""
}

var (
	moduleLine  = regexp.MustCompile(`(?m)^module\s+"?([^\s"]+)`)
	goLine      = regexp.MustCompile(`(?m)^go\s+(\S+)`)
	requireLine = regexp.MustCompile(`(?m)^\s*(?:require\s+)?"?` + regexp.QuoteMeta(Module) + `"?\s+v`)
)

// isEngine reports whether the root of the engine's module is in dir.
func isEngine(dir string) bool {
	return dir != "" && modulePath(dir) == Module
}

func modulePath(dir string) string { return modLine(dir, moduleLine) }

// goVersion is the go line of the module in dir; a module without one means Go 1.16, as the reference says.
func goVersion(dir string) string {
	if v := modLine(dir, goLine); v != "" {
		return v
	}
	return "1.16"
}

func modLine(dir string, line *regexp.Regexp) string {
	b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return ""
	}
	m := line.FindSubmatch(b)
	if m == nil {
		return ""
	}
	return string(m[1])
}

// requiresEngine reports whether the go.mod in dir has a requirement of the engine.
func requiresEngine(dir string) bool {
	b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	return err == nil && requireLine.Match(b)
}
