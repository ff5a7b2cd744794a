package schedule

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// worker is a worker that is up. One that went down is no longer in Scheduler.workers; partitions may still point to it.
type worker struct {
	name     Worker
	index    int // in Scheduler.workers
	slots    int // tasks at a time
	used     int // tasks that run; may be above slots for a while after WorkerSlots
	free     int // what room says
	draining bool
	drained  bool // Drained told
	aside    aside
	grants   []grant  // not answered
	tasks    []TaskID // gathered in a Step for one command
}

// able says that it can take tasks, now or when others have ended.
func (w *worker) able() bool { return w.slots > 0 && !w.draining && !w.aside.on }

func (w *worker) room() int {
	if !w.able() {
		return 0
	}
	return max(w.slots-w.used, 0)
}

// occupy takes a slot, or gives one back with −1.
func (s *Scheduler) occupy(w *worker, by int) {
	s.free -= w.free
	w.used += by
	w.free = w.room()
	s.free += w.free
}

// gather notes a task for the next command to its worker. room is how many more may follow.
func (s *Scheduler) gather(w *worker, t TaskID, room int) {
	if w.tasks == nil {
		w.tasks = make([]TaskID, 0, 1+max(room, 0))
		s.gathered = append(s.gathered, w)
	}
	w.tasks = append(w.tasks, t)
}

// flush gives what was gathered, one list a worker, in order. The lists leave the scheduler for good.
func (s *Scheduler) flush(give func(*worker, []TaskID)) {
	slices.SortFunc(s.gathered, func(a, b *worker) int { return a.index - b.index })
	for i, w := range s.gathered {
		s.gathered[i] = nil
		tasks := w.tasks
		w.tasks = nil
		if s.names[w.name] != w {
			continue // it was lost in this Step
		}
		slices.SortFunc(tasks, TaskID.compare)
		give(w, tasks)
	}
	s.gathered = s.gathered[:0]
}

// workerUp adds a worker. One of the same name that is still up has been replaced, so what it held is lost.
func (s *Scheduler) workerUp(now time.Time, e WorkerUp) {
	s.workerDown(now, e.Worker)
	if s.halted {
		return
	}
	w := &worker{name: e.Worker, slots: max(e.Slots, 0)}
	i, _ := slices.BinarySearchFunc(s.workers, e.Worker, func(w *worker, n Worker) int {
		return strings.Compare(string(w.name), string(n))
	})
	s.workers = slices.Insert(s.workers, i, w)
	s.names[e.Worker] = w
	s.recount()
}

// workerDown forgets a worker, then what it held.
func (s *Scheduler) workerDown(now time.Time, name Worker) {
	w := s.names[name]
	if w == nil {
		return
	}
	delete(s.names, name)
	s.workers = slices.Delete(s.workers, w.index, w.index+1)
	s.recount()
	if b := s.working(); b != nil {
		s.lose(now, b, w)
	}
}

func (s *Scheduler) workerSlots(e WorkerSlots) {
	if w := s.names[e.Worker]; w != nil {
		w.slots = max(e.Slots, 0)
		s.recount()
	}
}

func (s *Scheduler) workerDraining(name Worker) {
	if w := s.names[name]; w != nil {
		w.draining = true
		s.recount()
	}
}

// recount renumbers the workers; queues that name them by number are filled anew when they are next used.
func (s *Scheduler) recount() {
	s.free, s.able, s.draining, s.asides = 0, 0, 0, s.asides[:0]
	for i, w := range s.workers {
		w.index = i
		w.free = w.room()
		s.free += w.free
		if w.able() {
			s.able++
		}
		if w.draining && !w.drained {
			s.draining++
		}
		if w.aside.on {
			s.asides = append(s.asides, w)
		}
	}
	for _, b := range s.open {
		for _, st := range b.ready {
			st.queue.filled = false
		}
	}
}

// tellDrained lets workers go that nobody needs any more: between two batches, since grants and readers come until then.
func (s *Scheduler) tellDrained() {
	if s.draining == 0 || len(s.open) > 0 && s.open[0].phase >= atWork {
		return
	}
	s.draining = 0
	for _, w := range s.workers {
		if w.draining && !w.drained {
			w.drained = true
			s.emit(Drained{w.name})
		}
	}
}

// tellStarved says once that tasks wait and nobody can take them.
func (s *Scheduler) tellStarved(now time.Time, b *batch) {
	if s.able > 0 || b == nil || !b.works() || b.pending == 0 {
		s.hungry, s.starved = time.Time{}, false
		return
	}
	if s.hungry.IsZero() {
		s.hungry = now
	}
	if s.starved || s.o.NoWorkerWait < 0 {
		return
	}
	at := s.hungry.Add(s.o.NoWorkerWait)
	if s.starved = !now.Before(at); s.starved {
		s.emit(Starved{b.n})
		return
	}
	s.askFor(at)
}

var errWorkerLost = errors.New("the worker was lost")

// lose takes back everything that a worker held: grants it did not answer, tasks it ran, outputs. A running task that
// is lost counts as failed, or else a task that kills its worker would kill them all; but not if a copy of it runs on.
func (s *Scheduler) lose(now time.Time, b *batch, w *worker) {
	b.ungrant(w)
	for _, pr := range b.programs {
		for i := range pr.stages {
			st := &pr.stages[i]
			for j := range st.parts {
				s.losePart(b, st, j, w)
			}
			b.enlist(now, st)
		}
	}
	if b.works() {
		b.settle(now)
	}
}

func (s *Scheduler) losePart(b *batch, st *stage, partition int, w *worker) {
	p := &st.parts[partition]
	switch {
	case p.copyAt == w:
		p.swap()
		s.promote(b, st, partition)
	case p.at != w:
	case p.state == done:
		b.move(st, p, gone)
	case p.state == running && p.copyAt != nil:
		s.promote(b, st, partition)
	case p.state == running:
		s.tryAgain(b, st, partition, Retry, errWorkerLost)
	}
}
