package simulate

import (
	"container/heap"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/tidemill/tidemill/driver/store/crashfs"
)

const (
	ms       = time.Millisecond
	interval = 10 * ms
	silence  = 25 * ms // after which a peer that says nothing is given up
	trouble  = 250 * ms
	patience = 3 * time.Second // after trouble, for all that is left to do
)

// world is everything but the code under test.
type world struct {
	seed  uint64
	rng   *rand.Rand
	now   time.Duration
	queue items
	seq   int
	hash  uint64
	trace io.Writer // nil: nobody reads it
	bug   bug

	calm    time.Duration // from then on nothing goes wrong
	maps    int           // partitions of the three stages: maps, parts, parts (none: no second sink)
	parts   int
	second  bool
	all     bool // speculate every task
	disk    *crashfs.FS
	drivers []*driver
	workers []*worker
	numbers uint64            // given to plans, attachments, versions of state
	states  map[uint64]uint64 // durable versions
	watch   *watcher
	met     map[string]int
}

// newWorld draws the shape of the job and of the cluster.
func newWorld(seed uint64, b bug, trace io.Writer) *world {
	w := &world{
		seed: seed, rng: rand.New(rand.NewPCG(seed, 7)), hash: 14695981039346656037, trace: trace, bug: b, calm: trouble,
		disk: crashfs.New(), states: map[uint64]uint64{}, met: map[string]int{},
	}
	w.maps, w.parts, w.second, w.all = 1+w.rng.IntN(4), 1+w.rng.IntN(3), w.chance(50), seed%4 == 0
	w.watch = &watcher{w: w, plans: map[int64]plan{}, rows: map[cell]uint64{}, done: map[int64]plan{}}
	for i := range 2 + w.rng.IntN(3) {
		w.workers = append(w.workers, &worker{w: w, id: i, slots: 1 + w.rng.IntN(3)})
	}
	for _, x := range w.workers {
		x.boot()
	}
	w.start()
	w.after(w.upTo(60*ms), w.strike)
	return w
}

// goal is how many batches a run commits.
func (w *world) goal() int64 { return 4 + int64(w.seed%4) }

// run goes on until the goal is reached, a promise is broken or nothing moves any more.
func (w *world) run() {
	for w.watch.bad == "" && w.watch.committed < w.goal() {
		if len(w.queue) == 0 || w.now > trouble+patience {
			w.watch.badf("no progress: batch %d is still not committed at %v", w.watch.committed+1, w.now)
			return
		}
		next := heap.Pop(&w.queue).(item)
		w.now = next.at
		next.do()
	}
	if w.watch.bad == "" {
		w.watch.final()
	}
}

func (w *world) after(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.queue, item{w.now + d, w.seq, do})
}

func (w *world) upTo(most time.Duration) time.Duration {
	return time.Duration(w.rng.Int64N(int64(most)))
}

func (w *world) chance(percent int) bool { return w.rng.IntN(100) < percent }

// wrong is chance as long as things go wrong.
func (w *world) wrong(percent int) bool { return w.now < w.calm && w.chance(percent) }

func (w *world) number() uint64 { w.numbers++; return w.numbers }

// say adds a line to the trace: its time, a word, and numbers that tell which of its kind.
func (w *world) say(word string, ids ...int64) {
	w.mix(uint64(w.now))
	for i := range len(word) {
		w.mix(uint64(word[i]))
	}
	for _, id := range ids {
		w.mix(uint64(id))
	}
	if w.trace != nil {
		fmt.Fprintln(w.trace, w.now, word, ids)
	}
}

func (w *world) mix(x uint64) { w.hash = (w.hash ^ x) * 1099511628211 }

// met counts what is worth testing.
func (w *world) meet(what string) { w.met[what]++ }

type item struct {
	at  time.Duration
	seq int
	do  func()
}

type items []item

func (h items) Len() int { return len(h) }
func (h items) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].seq < h[j].seq
}
func (h items) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *items) Push(x any)   { *h = append(*h, x.(item)) }
func (h *items) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
