package rivals

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// errMissing is what an error wraps when this machine lacks what a rival needs.
var errMissing = errors.New("this machine lacks it")

// piece is what is fetched of an engine: a folder in the cache, which is there with everything or not at all.
type piece struct {
	name string // of the folder
	size string // of the download, for people
	by   func(ctx context.Context, dir string) error
}

// get returns the folder.
func (p piece) get(ctx context.Context, w io.Writer) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("fetch %s: %w", p.name, err)
	}
	dir := filepath.Join(cache, "tidemill", "rivals", p.name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), p.name+".new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh)
	fmt.Fprintf(w, "fetching %s (%s, once)…\n", p.name, p.size)
	if err := p.by(ctx, fresh); err != nil {
		return "", fmt.Errorf("fetch %s: %w", p.name, err)
	}
	return dir, os.Rename(fresh, dir)
}

// pip fetches a package of Python, without those that it needs.
func pip(name string) func(context.Context, string) error {
	return func(ctx context.Context, dir string) error {
		python, err := program("python3", "-m", "pip", "--version")
		if err != nil {
			return err
		}
		return run(exec.CommandContext(ctx, python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target", dir, name))
	}
}

// maven fetches what a pom in the folder java asks for; of the artifacts named, or of all.
func maven(pom string, artifacts ...string) func(context.Context, string) error {
	return func(ctx context.Context, dir string) error {
		mvn, err := program("mvn", "--version")
		if err != nil {
			return err
		}
		text, err := sources.ReadFile("java/" + pom)
		if err != nil {
			return err
		}
		file := filepath.Join(dir, "pom.xml")
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return err
		}
		args := []string{
			"-B", "-q", "-f", file, "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies",
			"-DincludeScope=runtime", "-DoutputDirectory=" + dir,
		}
		if len(artifacts) > 0 {
			args = append(args, "-DincludeArtifactIds="+strings.Join(artifacts, ","))
		}
		return run(exec.CommandContext(ctx, mvn, args...))
	}
}

// program finds a program, and makes sure that it does something.
func program(name string, try ...string) (string, error) {
	path, err := exec.LookPath(name)
	if home := os.Getenv("JAVA_HOME"); home != "" && strings.HasPrefix(name, "java") {
		path, err = exec.LookPath(filepath.Join(home, "bin", name))
	}
	if err == nil {
		err = exec.Command(path, try...).Run()
	}
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %w", name, strings.Join(try, " "), errMissing, err)
	}
	return path, nil
}

// run runs a command, whose output is only of interest if it fails.
func run(c *exec.Cmd) error {
	out, err := c.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", c.Path, err, tail(out))
	}
	return nil
}

// tail is the end of what a program said.
func tail(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}
