package driver

import (
	"fmt"
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
