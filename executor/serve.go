package executor

import (
	"fmt"

	"github.com/tidemill/tidemill/executor/flight"
	"github.com/tidemill/tidemill/rdd"
)

// Incarnation is that of the attachment to the driver: what an earlier one held is gone.
func (w *Worker) Incarnation() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.self
}

// Lose drops the output of a partition of the batch at hand, as a broken disk would, and tells whether it was here: for drills that show that
// what is lost is made again.
func (w *Worker) Lose(b rdd.Block) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.batch != nil && w.batch.blocks.lose(b)
}

// Block gives another worker one of the blocks of a ticket: it is what a flight.Server serves. An error says that it does not lie here: it was
// never made here, its batch is over, or it is of another attempt or another incarnation of the worker.
func (w *Worker) Block(t flight.Ticket, p flight.Part) (rdd.Seq, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	open := w.batch
	switch {
	case t.Incarnation != w.self:
		return nil, fmt.Errorf("this worker has been attached anew since: %w", errNoBlock)
	case open == nil || open.begin.Epoch != t.Epoch || open.begin.Plan.Batch != t.Batch:
		return nil, fmt.Errorf("batch %d is not open here: %w", t.Batch, errNoBlock)
	}
	program := open.programs[t.Program]
	if program == nil || t.Stage < 0 || t.Stage >= len(program.Stages) {
		return nil, errNoBlock
	}
	stage := program.Stages[t.Stage]
	b := rdd.Block{Program: t.Program, Stage: t.Stage, Partition: int(p.Partition), Bucket: t.Bucket}
	shape := stage.Node.Shape
	if open.blocks.find(b, int(p.Attempt)) == nil {
		return nil, errNoBlock
	}
	return open.blocks.read(b, int(p.Attempt), shape), nil
}
