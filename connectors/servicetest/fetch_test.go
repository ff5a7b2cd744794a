package servicetest

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "fetch all packages again and write their digests to digests/")

var releases = []release{kafkaRelease, cassandraRelease}

// What is in the cache is what this package was tested with.
func TestDigests(t *testing.T) {
	for _, r := range releases {
		if *rewrite {
			rewriteDigests(t, r)
			continue
		}
		dir := t.TempDir()
		path := needs(t, r)
		for jar := range strings.SplitSeq(path.Jars, ":") {
			if err := os.Symlink(jar, filepath.Join(dir, filepath.Base(jar))); err != nil {
				t.Fatal(err)
			}
		}
		r.digests = strings.Join(slices.DeleteFunc(strings.SplitAfter(r.digests, "\n"), func(line string) bool {
			_, err := os.Lstat(filepath.Join(dir, strings.TrimSpace(line[strings.Index(line, " ")+1:])))
			return err != nil
		}), "")
		if err := r.verify(dir); err != nil {
			t.Errorf("%v: %v", r, err)
		}
	}
}

func rewriteDigests(t *testing.T, r release) {
	dir := filepath.Join(t.TempDir(), "jars")
	if err := r.copy(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	digests, err := digestsOf(dir)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, file := range slices.Sorted(maps.Keys(digests)) {
		fmt.Fprintf(&b, "%s  %s\n", digests[file], file)
	}
	name := fmt.Sprintf("digests/%s-%s.txt", strings.ToLower(r.name), r.version)
	if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// needs finds what a release runs on, or skips the test.
func needs(t *testing.T, r release) classPath {
	t.Helper()
	path, err := r.runnable(t.Context(), lines{t})
	skipOrFail(t, err)
	return path
}

func TestVerify(t *testing.T) {
	const ok = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae  a.jar\n"
	for _, c := range []struct{ name, digests, want string }{
		{"right", ok, ""},
		{"another digest", strings.Replace(ok, "2c", "2d", 1), "do not run it"},
		{"a file too many", "", "do not run it"},
		{"a file too few", ok + strings.Replace(ok, "a.jar", "b.jar", 1), "b.jar did not come"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "a.jar"), []byte("foo"), 0o644); err != nil {
			t.Fatal(err)
		}
		err := release{digests: c.digests}.verify(dir)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// What is in the cache is used as it is; nothing is fetched for it.
func TestCache(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("PATH", "")
	r := release{name: "Nothing", version: "1", pom: []byte("<project/>")}
	if _, err := r.jars(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), "apt-get install maven") {
		t.Errorf("without Maven: %v", err)
	}
	left, _ := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "tidemill/servicetest/nothing-1-*"))
	if len(left) != 1 || !strings.HasSuffix(left[0], ".lock") {
		t.Fatalf("left: %v", left)
	}
	dir := strings.TrimSuffix(left[0], ".lock")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.jar"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if jars, err := r.jars(t.Context(), io.Discard); err != nil || len(jars) != 1 {
		t.Errorf("from the cache: %v, %v", jars, err)
	}
}

func TestForeign(t *testing.T) {
	for _, c := range []struct {
		jar          string
		amd64, arm64 bool
	}{
		{"netty-all-4.1.130.Final.jar", false, false},
		{"netty-tcnative-boringssl-static-2.0.70.Final.jar", false, false},
		{"netty-transport-native-epoll-4.1.130.Final-linux-x86_64.jar", false, true},
		{"netty-transport-native-epoll-4.1.130.Final-linux-aarch_64.jar", true, false},
		{"netty-transport-native-epoll-4.1.130.Final-linux-riscv64.jar", true, true},
		{"netty-transport-native-kqueue-4.1.130.Final-osx-x86_64.jar", true, true},
		{"netty-tcnative-boringssl-static-2.0.70.Final-windows-x86_64.jar", true, true},
	} {
		if foreign(c.jar, "amd64") != c.amd64 || foreign(c.jar, "arm64") != c.arm64 || foreign(c.jar, "mips") != (c.amd64 || c.arm64) {
			t.Errorf("%s", c.jar)
		}
	}
}
