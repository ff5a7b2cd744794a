package startup

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tidemill/tidemill/benchmarks/measure"
)

//go:embed job.go.txt
var source string

// Options of the scenario.
type Options struct {
	Runs   int    // of each kind; default 5
	Driver string // the driver command; default: bin/driver, which `make build` makes
}

// waited is how long a run let the user wait, from its start.
type waited struct{ built, batch time.Duration }

// Scenario prints the times. Before, it runs the job once, so that the compiler's cache holds the engine. It is an error if the job's
// one batch does not have the right number of rows: its mark is then missing.
func Scenario(ctx context.Context, w io.Writer, o Options) error {
	if o.Runs == 0 {
		o.Runs = 5
	}
	if o.Driver == "" {
		o.Driver = "bin/driver"
	}
	driver, err := exec.LookPath(o.Driver)
	if err != nil {
		return fmt.Errorf("%w: run `make build` first, or name the command with -driver", err)
	}
	if driver, err = filepath.Abs(driver); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "startup-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s := &session{driver: driver, dir: dir, job: filepath.Join(dir, "job.go")}
	if _, err := s.edited(ctx, 0); err != nil {
		return err
	}
	var same, edited []waited
	for i := range o.Runs {
		a, err := s.run(ctx)
		if err != nil {
			return err
		}
		b, err := s.edited(ctx, i+1)
		if err != nil {
			return err
		}
		same, edited = append(same, a), append(edited, b)
	}
	seconds := func(runs []waited, of func(waited) time.Duration) measure.Range {
		return measure.RangeOf(runs, func(r waited) float64 { return of(r).Seconds() })
	}
	fmt.Fprintf(w, "\nStart of a job, %d runs of each kind: s, median (min–max)\n", o.Runs)
	fmt.Fprintf(w, "unchanged job: start → the job's own main   %v\n", seconds(same, func(r waited) time.Duration { return r.built }))
	fmt.Fprintf(w, "               main → first batch written   %v\n", seconds(same, func(r waited) time.Duration { return r.batch - r.built }))
	fmt.Fprintf(w, "edited job:    start → first batch written  %v\n", seconds(edited, func(r waited) time.Duration { return r.batch }))
	return nil
}

type session struct{ driver, dir, job string }

// edited runs the job after an edit that changes what it compiles to.
func (s *session) edited(ctx context.Context, edit int) (waited, error) {
	text := strings.Replace(source, `mark("built")`, fmt.Sprintf("mark(\"built\")\n\tmark(\"edit-%d\")", edit), 1)
	if err := os.WriteFile(s.job, []byte(text), 0o600); err != nil {
		return waited{}, err
	}
	return s.run(ctx)
}

func (s *session) run(ctx context.Context) (r waited, err error) {
	marks, err := os.MkdirTemp(s.dir, "marks-")
	if err != nil {
		return r, err
	}
	c := exec.CommandContext(ctx, s.driver, "run", "--fresh", "--checkpoint", filepath.Join(s.dir, "checkpoint"), s.job)
	c.Dir = s.dir
	c.Env = append(os.Environ(), "STARTUP_MARKS="+marks, "TIDEMILL_SCRATCH="+filepath.Join(s.dir, "scratch"))
	began := time.Now()
	if out, err := c.CombinedOutput(); err != nil {
		return r, fmt.Errorf("%v: %w\n%s", c.Args, err, out)
	}
	if r.built, err = since(began, filepath.Join(marks, "built")); err != nil {
		return r, err
	}
	r.batch, err = since(began, filepath.Join(marks, "batch"))
	return r, err
}

// since reads a mark.
func since(began time.Time, file string) (time.Duration, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, fmt.Errorf("the job did not come to its mark: %w", err)
	}
	ns, err := strconv.ParseInt(string(text), 10, 64)
	return time.Unix(0, ns).Sub(began), err
}
