package schedule

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// worker is a worker that is up. One that went down is no longer in Scheduler.workers; partitions may still point to it.
type worker struct {
	name        Worker
	index       int // in Scheduler.workers
	slots, free int
	tasks       []TaskID // gathered in a Step for one command
}

// gather notes a task for the next command to its worker. room is how many more may follow.
func (s *Scheduler) gather(w *worker, t TaskID, room int) {
	if w.tasks == nil {
		w.tasks = make([]TaskID, 0, 1+room)
		s.gathered = append(s.gathered, w)
	}
	w.tasks = append(w.tasks, t)
}

// flush gives what was gathered, one list a worker, in order. The lists leave the scheduler for good.
func (s *Scheduler) flush(give func(Worker, []TaskID)) {
	slices.SortFunc(s.gathered, func(a, b *worker) int { return a.index - b.index })
	for i, w := range s.gathered {
		s.gathered[i] = nil
		tasks := w.tasks
		w.tasks = nil
		if s.names[w.name] != w {
			continue // it was lost in this Step
		}
		slices.SortFunc(tasks, TaskID.compare)
		give(w.name, tasks)
	}
	s.gathered = s.gathered[:0]
}

// workerUp adds a worker. One of the same name that is still up has been replaced, so what it held is lost.
func (s *Scheduler) workerUp(now time.Time, e WorkerUp) {
	s.workerDown(now, e.Worker)
	if s.halted {
		return
	}
	slots := max(e.Slots, 0)
	w := &worker{name: e.Worker, slots: slots, free: slots}
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

// recount renumbers the workers; queues that name them by number are filled anew when they are next used.
func (s *Scheduler) recount() {
	s.free, s.able = 0, 0
	for i, w := range s.workers {
		w.index = i
		s.free += w.free
		if w.slots > 0 {
			s.able++
		}
	}
	for _, b := range s.open {
		for _, st := range b.ready {
			st.queue.filled = false
		}
	}
}

var errWorkerLost = errors.New("the worker was lost")

// lose takes back everything that a worker held: grants it did not answer, tasks it ran, outputs. A running task that
// is lost counts as failed, or else a task that kills its worker would kill them all.
func (s *Scheduler) lose(now time.Time, b *batch, w *worker) {
	b.ungrant(w)
	for _, pr := range b.programs {
		for i := range pr.stages {
			st := &pr.stages[i]
			for j := range st.parts {
				p := &st.parts[j]
				switch {
				case p.at != w:
				case p.state == done:
					b.move(st, p, gone)
				case p.state == running:
					s.tryAgain(b, st, j, Retry, errWorkerLost)
				}
			}
			b.enlist(now, st)
		}
	}
	if b.works() {
		b.settle(now)
	}
}
