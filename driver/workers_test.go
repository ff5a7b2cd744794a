package driver

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemill/tidemill/driver/report"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

// several are the options of a quick job on three workers that read each other's blocks through sockets.
func several(t *testing.T) Options {
	o := testOptions(t)
	o.Workers, o.Parallelism, o.Partitions = 3, 2, 6
	return o
}

// tasks counts the attempts of each stage over all batches.
func tasks(all []*report.Batch) (n int) {
	for _, b := range all {
		for _, s := range b.Stages {
			n += s.Attempts
		}
	}
	return n
}

// discard is a sink that takes everything.
type discard struct{}

func (discard) Write(_ context.Context, _ dstream.WriteID, rows iter.Seq2[[]int64, error]) (dstream.Receipt, error) {
	n := int64(0)
	for chunk, err := range rows {
		if err != nil {
			return dstream.Receipt{}, err
		}
		n += int64(len(chunk))
	}
	return dstream.Receipt{Rows: n}, nil
}

// TestLostBlocksRunTheirAncestorsAgain drops blocks by hand, one of an exchange (stage 0) and one that is kept since two steps read it (stage 1),
// and counts the tasks. One slot runs them in order, so the loss comes before the second task of a stage reads.
func TestLostBlocksRunTheirAncestorsAgain(t *testing.T) {
	count := func(inKept, inReader func(*driver)) int {
		var d *driver
		var once [2]sync.Once
		o := testOptions(t)
		o.Parallelism, o.Partitions = 1, 3
		o.crewed = func(of *driver) { d = of }
		all, err := run(t, func(job *dstream.Job) {
			kept := job.Read("numbers", numbers{n: 600, step: 600}).Repartition(3).Map(func(v int64) int64 {
				once[0].Do(func() { inKept(d) })
				return v
			})
			kept.Map(func(v int64) int64 {
				once[1].Do(func() { inReader(d) })
				return v
			}).Write("one", discard{})
			kept.Filter(func(v int64) bool { return v%2 == 1 }).Write("other", discard{})
		}, o)
		if err != nil {
			t.Fatal(err)
		}
		return tasks(all)
	}
	lose := func(stage, partition int) func(*driver) {
		return func(d *driver) {
			w := d.crew.(*localCrew).member(localWorker).w
			if !w.Lose(rdd.Block{Stage: stage, Partition: partition}) {
				t.Errorf("there was no block of stage %d, partition %d", stage, partition)
			}
		}
	}
	nothing := func(*driver) {}
	whole := count(nothing, nothing)
	for _, c := range []struct {
		name             string
		inKept, inReader func(*driver)
		more             int
	}{
		{"nothing", nothing, nothing, 0},
		{"shuffle block", lose(0, 0), nothing, 2}, // who missed it, and who had made it
		{"cached block", nothing, lose(1, 1), 2},  // the same
		{"cached block whose shuffle block is lost too", nothing, func(d *driver) { lose(0, 0)(d); lose(1, 1)(d) }, 4}, // and the same for that
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := count(c.inKept, c.inReader); got != whole+c.more {
				t.Errorf("%d tasks, want the %d of a run without loss and %d more", got, whole, c.more)
			}
		})
	}
}

// TestEveryTaskTwice runs each task in two copies at the same time; each counts once.
func TestEveryTaskTwice(t *testing.T) {
	var worked atomic.Int64
	for i := range 20 {
		var k kept
		o := several(t)
		o.copyAll = true
		_, err := run(t, func(job *dstream.Job) {
			job.Read("numbers", numbers{n: 10_000, step: 2_500}).Repartition(6).Map(func(v int64) int64 {
				worked.Add(1)
				return v + 1
			}).Repartition(4).Write("kept", &k)
		}, o)
		if err != nil {
			t.Fatal(err)
		}
		if rows, sum := k.sum(); rows != 10_000 || sum != 50_005_000 {
			t.Fatalf("run %d: %d rows with the sum %d", i, rows, sum)
		}
	}
	if n := worked.Load(); n < 220_000 {
		t.Errorf("the rows were looked at %d times in 20 runs of 10,000: there were hardly any copies", n)
	}
}

// total is a row of the sink of running totals.
type total struct {
	Key   int64
	Count int64
}

// totals keeps the last total of each key, by batch.
type totals struct {
	mu   sync.Mutex
	last map[int64]int64
}

func (k *totals) Write(_ dstream.WriteID, rows []total) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last == nil {
		k.last = map[int64]int64{}
	}
	for _, r := range rows {
		k.last[r.Key] = max(k.last[r.Key], r.Count)
	}
}

// TestRepartitionTwiceLosesNothing is the job that gave Spark 931,532 of 1,000,000 rows after the loss of an executor: a row goes by its
// place to one partition, and from there to another. A worker is lost while the second exchange is read.
func TestRepartitionTwiceLosesNothing(t *testing.T) {
	const n = 100_000
	for _, at := range []int64{1, n / 3, n - 1} {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			var k kept
			var c *localCrew
			var once sync.Once
			var killed atomic.Bool
			o := several(t)
			o.crewed = func(d *driver) { c = d.crew.(*localCrew) }
			job := func(job *dstream.Job) {
				job.Read("numbers", numbers{n: n, step: n}).Repartition(6).Map(func(v int64) int64 { return v + 1 }).Repartition(5).
					Map(func(v int64) int64 {
						if v == at {
							once.Do(func() {
								killed.Store(true)
								go c.kill(c.names()[0])
							})
						}
						return v - 1
					}).Write("kept", &k)
			}
			if _, err := run(t, job, o); err != nil {
				t.Fatal(err)
			}
			if rows, sum := k.sum(); rows != n || sum != n*(n-1)/2 {
				t.Errorf("%d rows with the sum %d, want %d with %d", rows, sum, n, int64(n)*(n-1)/2)
			}
			if !killed.Load() {
				t.Error("no worker was killed: the test shows nothing")
			}
		})
	}
}

// TestStateOutlivesItsWorkers counts in windows while workers are killed one after the other, and comes to the counts of a run without.
func TestStateOutlivesItsWorkers(t *testing.T) {
	counts := func(kills int) map[int64]int64 {
		var k totals
		var d *driver
		o := several(t)
		o.crewed = func(of *driver) { d = of }
		batches := 0
		read := func(dstream.Split) error {
			batches++
			if batches%10 == 0 && batches/10 <= kills {
				c := d.crew.(*localCrew)
				go c.kill(c.names()[0])
			}
			return nil
		}
		job := func(job *dstream.Job) {
			job.Read("numbers", numbers{n: 3000, step: 100, read: read}).KeyBy(func(v int64) int64 { return v % 17 }).
				Window(dstream.Tumbling(time.Hour)).Count().
				Map(func(key int64, _ dstream.Window, n int64) total { return total{key, n} }).
				ForEach("totals", func(c dstream.Context, rows rdd.RDD[total]) error {
					all, err := rows.Collect(c.Context)
					if err != nil {
						return err
					}
					k.Write(dstream.WriteID{}, all)
					return nil
				})
		}
		if _, err := run(t, job, o); err != nil {
			t.Fatal(err)
		}
		return k.last
	}
	want := counts(0)
	if len(want) != 17 {
		t.Fatal(want)
	}
	if got := counts(2); !maps.Equal(got, want) {
		t.Errorf("with two workers lost: %v, without: %v", got, want)
	}
}
