package cluster

import (
	"context"
	_ "embed" // the job
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tidemill/tidemill/driver/build"
)

//go:embed job/job.go
var source []byte

// build puts the commands and the source of the job into the folder.
func (o Options) build(ctx context.Context) (Options, error) {
	if err := os.WriteFile(o.job(), source, 0o644); err != nil {
		return o, err
	}
	if o.Bin != "" {
		var err error
		o.Bin, err = filepath.Abs(o.Bin)
		return o, err
	}
	o.Bin = filepath.Join(o.Dir, "bin")
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", build.Module).Output()
	if err != nil {
		return o, fmt.Errorf("find the engine's source (run it within the repository): %w", err)
	}
	engine := strings.TrimSpace(string(root))
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", o.Bin+string(filepath.Separator),
		"-ldflags", "-s -w -X "+build.Module+"/driver/build.engineDir="+engine, "./cmd/driver", "./cmd/executor")
	c.Dir = engine
	if out, err := c.CombinedOutput(); err != nil {
		return o, fmt.Errorf("build the commands: %w\n%s", err, out)
	}
	return o, nil
}

func (o Options) job() string { return filepath.Join(o.Dir, "job.go") }
