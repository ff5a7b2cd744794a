package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Module is the path of the engine's module.
const Module = "github.com/tidemill/tidemill"

// Flags are the flags of every build. The Makefile and test programs use the same: -trimpath and the linker's flags are
// part of the build cache's keys, and a cold cache costs a minute.
var Flags = []string{"-trimpath", "-buildvcs=false", "-ldflags=-s -w"}

// Options says where to build. The zero value builds with the engine of this program, in the user's cache folder.
type Options struct {
	// Engine is the folder of the engine's source. Default: found by [Engine].
	Engine string
	// Cache is the folder for work files and binaries. Default: tidemill/build in the user's cache folder. It may be
	// removed while nothing runs; the next build makes it again.
	Cache string
	// Progress gets a line about a build that takes more than a second. Default: none.
	Progress io.Writer
	// Terminal says that Progress is a terminal, where one line is rewritten each second.
	Terminal bool
}

// withDefaults fills in the cache folder; the engine is looked for when it is known where the job is.
func (o Options) withDefaults() (Options, error) {
	if o.Cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return o, fmt.Errorf("find the cache folder: %w; set XDG_CACHE_HOME", err)
		}
		o.Cache = filepath.Join(user, "tidemill", "build")
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	var err error
	o.Cache, err = filepath.Abs(o.Cache)
	return o, err
}

// Binary is a built job.
type Binary struct {
	// Path is the executable: <cache>/bin/<digest>.
	Path string
	// Digest is the SHA-256 of its content, in hex.
	Digest string
	// Name is the name of the job unless it is set elsewhere: that of the first file without .go, or of the package's
	// folder. It is good as the name of a directory.
	Name string
	// Folder is the job's own, absolute.
	Folder string
	// Took is how long the build took.
	Took time.Duration
}

// Job builds the job that args name as the user typed them: one .go file, several of one folder, or one folder. Errors
// in the job's code are a [*CompileError]; all errors are fit for printing as they are.
func Job(ctx context.Context, args []string, o Options) (*Binary, error) {
	begin := time.Now()
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	t, err := readTarget(args)
	if err != nil {
		return nil, err
	}
	tool, err := findGo()
	if err != nil {
		return nil, err
	}
	p, err := plan(ctx, t, o, tool)
	if err != nil {
		return nil, err
	}
	b := &Binary{Name: t.name, Folder: t.dir}
	if b.Path, b.Digest, err = p.build(ctx, o); err != nil {
		return nil, err
	}
	b.Took = time.Since(begin)
	return b, nil
}

// workshop is a prepared build: what to run, where, and what to call things in messages.
type workshop struct {
	target *target
	tool   *goTool
	engine string // folder, "" where the user's module says which engine it is
	dir    string // where the go command runs
	scrap  string // folder in the cache for the files below and the output
	files  map[string]string
	// overlay maps paths that the go command sees to files.
	overlay map[string]string
	args    []string // what to build: "." or names of files
	env     []string
	mine    bool // the job is in a module of its own
}

// build runs the go command under the lock of the scrap folder, and puts the output into the store.
func (p *workshop) build(ctx context.Context, o Options) (path, digest string, err error) {
	unlock, err := lock(ctx, p.scrap)
	if err != nil {
		return "", "", fmt.Errorf("prepare the build: %w", err)
	}
	defer unlock()
	if err := p.write(); err != nil {
		return "", "", fmt.Errorf("prepare the build: %w", err)
	}
	out := filepath.Join(p.scrap, "job")
	if err := p.compile(ctx, o, out); err != nil {
		return "", "", err
	}
	if path, digest, err = (store{filepath.Join(o.Cache, "bin")}).put(out); err != nil {
		return "", "", err
	}
	now := time.Now()
	return path, digest, errors.Join(os.Chtimes(p.scrap, now, now), prune(filepath.Dir(p.scrap), p.scrap, lockFile))
}

// compile leaves the binary in out. The go command itself sees when out is up to date.
func (p *workshop) compile(ctx context.Context, o Options, out string) error {
	warm := filepath.Join(o.Cache, "warm-"+hash(p.engine, p.tool.version))
	_, statErr := os.Stat(warm)
	done := showProgress(o, p.target.typedName(), statErr != nil)
	defer done()
	args := append([]string{"build"}, Flags...)
	args = append(args, "-overlay", filepath.Join(p.scrap, "overlay.json"), "-o", out)
	text, err := p.tool.run(ctx, p.dir, p.env, append(args, p.args...)...)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return p.explain(text, err)
	}
	return os.WriteFile(warm, nil, 0o644)
}

// write brings the scrap folder up to date.
func (p *workshop) write() error {
	overlay, err := json.Marshal(map[string]any{"Replace": p.overlay})
	if err != nil {
		return err
	}
	p.files["overlay.json"] = string(overlay)
	var failed error
	for name, content := range p.files {
		failed = errors.Join(failed, os.WriteFile(filepath.Join(p.scrap, name), []byte(content), 0o644))
	}
	return failed
}
