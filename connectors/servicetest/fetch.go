package servicetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// copyDependencies is Maven's plugin and goal, pinned as the packages are.
const copyDependencies = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"

// release is a version of a service, as Maven packages.
type release struct {
	name, version string
	size          string // of the download, for people
	pom           []byte // asks for the packages
	digests       string // lines "<sha256 in hex>  <file>" of every package, those of other platforms included
}

func (r release) String() string { return r.name + " " + r.version }

// runnable finds Java and the packages of a release.
func (r release) runnable(ctx context.Context, progress io.Writer) (classPath, error) {
	if !loopback {
		return classPath{}, fmt.Errorf("%w: needs Linux, where every address in 127.0.0.0/8 is there", ErrMissing)
	}
	java, err := java()
	if err != nil {
		return classPath{}, err
	}
	jars, err := r.jars(ctx, progress)
	return classPath{Java: java, Jars: strings.Join(jars, string(os.PathListSeparator))}, err
}

// folder is where a release is kept; another list of packages is another folder.
func (r release) folder() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache: %w", err)
	}
	return filepath.Join(cache, "tidemill", "servicetest", fmt.Sprintf("%s-%s-%.8x", strings.ToLower(r.name), r.version, sha256.Sum256(r.pom))), nil
}

// jars returns the class path of a release. It is fetched if it is not in the cache yet, by one process at a time.
func (r release) jars(ctx context.Context, progress io.Writer) ([]string, error) {
	dir, err := r.folder()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		if err := r.fetch(ctx, dir, progress); err != nil {
			return nil, fmt.Errorf("fetch %v: %w", r, err)
		}
	}
	return filepath.Glob(filepath.Join(dir, "*.jar"))
}

// fetch fills dir. It is there with everything or not at all.
func (r release) fetch(ctx context.Context, dir string, progress io.Writer) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	if _, err := os.Stat(dir); err == nil {
		return nil // by whoever held the lock before
	}
	fresh := dir + ".new"
	if err := os.RemoveAll(fresh); err != nil { // of one that was killed
		return err
	}
	defer os.RemoveAll(fresh)
	say(progress, "fetching %v (%s, once)…", r, r.size)
	if err := r.copy(ctx, fresh); err != nil {
		return err
	}
	if err := r.verify(fresh); err != nil {
		return err
	}
	if err := removeForeign(fresh); err != nil {
		return err
	}
	return os.Rename(fresh, dir)
}

// copy has Maven put the packages into dir.
func (r release) copy(ctx context.Context, dir string) error {
	mvn, err := maven()
	if err != nil {
		return err
	}
	pom := filepath.Join(dir, "pom.xml")
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(pom, r.pom, 0o644)); err != nil {
		return err
	}
	_, err = run(ctx, nil, mvn, "-B", "-q", "-f", pom, copyDependencies, "-DincludeScope=runtime", "-DoutputDirectory="+dir)
	if err != nil {
		return fmt.Errorf("%s: %w", mvn, err)
	}
	return os.Remove(pom)
}

// verify compares what was fetched with the digests that this package was tested with.
func (r release) verify(dir string) error {
	got, err := digestsOf(dir)
	if err != nil {
		return err
	}
	want := map[string]string{}
	for line := range strings.Lines(r.digests) {
		digest, file, _ := strings.Cut(strings.TrimSpace(line), "  ")
		want[file] = digest
	}
	for _, file := range slices.Sorted(maps.Keys(got)) {
		if want[file] != got[file] {
			return fmt.Errorf("%s has the sha256 %s, expected %q: do not run it", file, got[file], want[file])
		}
	}
	for _, file := range slices.Sorted(maps.Keys(want)) {
		if got[file] == "" {
			return fmt.Errorf("%s did not come", file)
		}
	}
	return nil
}

// digestsOf are the sha256 digests in hex of the files in dir, by name.
func digestsOf(dir string) (map[string]string, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			return nil, err
		}
		out[f.Name()] = fmt.Sprintf("%x", sha256.Sum256(content))
	}
	return out, nil
}

// removeForeign removes native libraries for other platforms.
func removeForeign(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if foreign(f.Name(), runtime.GOARCH) {
			if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// foreign tells whether a jar is for another platform than Linux on arch, a GOARCH.
func foreign(jar, arch string) bool {
	ours := map[string]string{"amd64": "linux-x86_64", "arm64": "linux-aarch_64"}[arch]
	for _, os := range []string{"-linux-", "-osx-", "-windows-"} {
		if strings.Contains(jar, os) {
			return ours == "" || !strings.Contains(jar, ours)
		}
	}
	return false
}
