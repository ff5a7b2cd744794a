package schedule

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/tidemill/tidemill/benchmarks/measure"
)

// Options of the scenario.
type Options struct {
	Executors int // the most; the table has 1, 10, 100 … up to it; default 1000
	Batches   int // measured, for each line; default 200
}

// warm is how many batches are run before those that are measured.
const warm = 5

// figures are what a number of executors costs.
type figures struct {
	executors int
	perTask   time.Duration    // CPU of the process: making up the executors' reports is in it
	cpu, wall [2]time.Duration // a batch, p50 and p99
}

// Scenario prints a line for each number of executors.
func Scenario(w io.Writer, o Options) error {
	if o.Executors == 0 {
		o.Executors = 1000
	}
	if o.Batches == 0 {
		o.Batches = 200
	}
	if o.Executors < 1 || o.Batches < 1 {
		return errors.New("there must be an executor and a batch to measure")
	}
	fmt.Fprintf(w, "\nScheduler and bookkeeping, 2 stages of %d tasks an executor, %d batches each\n", tasksEach, o.Batches)
	fmt.Fprintln(w, "                                  CPU a batch, ms    wall, ms")
	fmt.Fprintln(w, "executors   tasks   CPU a task      p50      p99      p50      p99   CPU an executor")
	for n := 1; n <= o.Executors; n *= 10 {
		f, err := run(n, o.Batches)
		if err != nil {
			return fmt.Errorf("%d executors: %w", n, err)
		}
		fmt.Fprintf(w, "%9d %7d %9.2f µs %8.2f %8.2f %8.2f %8.2f %14.1f µs\n", n, n*2*tasksEach, micros(f.perTask),
			micros(f.cpu[0])/1e3, micros(f.cpu[1])/1e3, micros(f.wall[0])/1e3, micros(f.wall[1])/1e3, micros(f.cpu[0])/float64(n))
	}
	return nil
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// run measures some batches.
func run(executors, batches int) (figures, error) {
	d, err := newDesk(executors)
	if err != nil {
		return figures{}, err
	}
	for range warm {
		if _, _, err := d.batch(); err != nil {
			return figures{}, err
		}
	}
	cpu, wall := make([]time.Duration, batches), make([]time.Duration, batches)
	cost, err := measure.Of(func() error {
		for i := range wall {
			if cpu[i], wall[i], err = d.batch(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return figures{}, err
	}
	tasks := time.Duration(batches * executors * 2 * tasksEach)
	return figures{executors, cost.CPU / tasks, percentiles(cpu), percentiles(wall)}, nil
}

func percentiles(of []time.Duration) [2]time.Duration {
	slices.Sort(of)
	at := func(part float64) time.Duration { return of[int(part*float64(len(of)-1))] }
	return [2]time.Duration{at(0.5), at(0.99)}
}
