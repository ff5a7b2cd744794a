package servicetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"time"
)

// ErrMissing is what an error wraps when this machine lacks something that the services need: Java 17, Maven, or Linux.
// Tests are skipped for it, but fail where CI=true is set.
var ErrMissing = errors.New("this machine lacks what the services run on")

const javaVersion = "17" // the newest that Cassandra 5.0 supports, and the oldest that Kafka 4 runs on

// java is a Java of the right version, looked for once: where $JAVA_HOME says, on the PATH, and where distributions put them.
var java = sync.OnceValues(func() (string, error) {
	var candidates []string
	if home := os.Getenv("JAVA_HOME"); home != "" {
		candidates = append(candidates, filepath.Join(home, "bin", "java"))
	}
	if path, err := exec.LookPath("java"); err == nil {
		candidates = append(candidates, path)
	}
	installed, _ := filepath.Glob("/usr/lib/jvm/*/bin/java")
	return findJava(append(candidates, installed...))
})

// findJava is the first candidate of the right version.
func findJava(candidates []string) (string, error) {
	other := ""
	for _, c := range candidates {
		switch v := versionOf(c); {
		case v == javaVersion:
			return c, nil
		case v != "" && other == "":
			other = fmt.Sprintf(", and %s is Java %s", c, v)
		}
	}
	return "", fmt.Errorf("%w: needs Java %s%s: apt-get install openjdk-%[2]s-jdk-headless", ErrMissing, javaVersion, other)
}

var versionLine = regexp.MustCompile(`version "(?:1\.)?(\d+)`)

// versionOf is the major version of a Java, "" if it is none.
func versionOf(path string) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "-version").CombinedOutput()
	m := versionLine.FindSubmatch(out)
	if err != nil || m == nil {
		return ""
	}
	return string(m[1])
}

func maven() (string, error) {
	path, err := exec.LookPath("mvn")
	if err != nil {
		return "", fmt.Errorf("%w: needs Maven to fetch the services, once: apt-get install maven", ErrMissing)
	}
	return path, nil
}
