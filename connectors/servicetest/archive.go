package servicetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// classPath is how to run a release here.
type classPath struct {
	Java, Jars string
	Archive    string // of classes, ready to be mapped into memory; "" for none
	Train      string // where to write an archive; "" does not
}

// node are options of a JVM that runs a service: quick to start, unless it is to be fast later on.
func (p classPath) node(optimised bool) []string {
	if optimised {
		return nil
	}
	if p.Train != "" {
		return []string{"-XX:TieredStopAtLevel=1", "-XX:ArchiveClassesAtExit=" + p.Train}
	}
	return p.tool()
}

// tool are options of a JVM that runs for a second. With the quick compiler only, a broker needs half the processor time until it
// is ready, and with the archive a quarter. What the JVM says of an archive that does not fit is not to be taken for output.
func (p classPath) tool() []string {
	out := []string{"-XX:TieredStopAtLevel=1", "-Xlog:disable", "-Xlog:all=error:stderr"}
	if p.Archive != "" {
		out = append(out, "-XX:SharedArchiveFile="+p.Archive)
	}
	return out
}

// archived adds the archive of a release's classes, beside its packages. If there is none yet, train has to run a node of it, with the
// path that it is given, to an orderly end.
func (r release) archived(ctx context.Context, path classPath, progress io.Writer, train func(context.Context, classPath) error) (classPath, error) {
	dir, err := r.folder()
	if err != nil {
		return path, err
	}
	build, err := buildOf(path.Java)
	if err != nil {
		return path, fmt.Errorf("look at %s: %w", path.Java, err)
	}
	file := filepath.Join(dir, "classes-"+build+".jsa")
	lock, err := lockFolder(dir)
	if err != nil {
		return path, err
	}
	defer lock.Close()
	if _, err := os.Stat(file); err == nil {
		path.Archive = file
		return path, nil
	}
	say(progress, "%v: learning to start quickly (once)…", r)
	path.Train = file + ".new"
	err = errors.Join(os.RemoveAll(path.Train), train(ctx, path))
	if err == nil {
		err = os.Rename(path.Train, file)
	}
	if err != nil {
		return path, fmt.Errorf("archive the classes: %w", err)
	}
	path.Train, path.Archive = "", file
	return path, nil
}

// buildOf tells one build of Java from the next: an archive fits but one, and is ignored by others.
func buildOf(java string) (string, error) {
	real, err := filepath.EvalSymlinks(java)
	if err != nil {
		return "", err
	}
	st, err := os.Stat(real)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, real, st.ModTime().UnixNano(), st.Size())))[:16], nil
}

// lockFolder keeps other processes from filling a folder of the cache until the lock is closed.
func lockFolder(dir string) (*os.File, error) {
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", lock.Name(), err), lock.Close())
	}
	return lock, nil
}
