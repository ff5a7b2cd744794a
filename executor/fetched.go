package executor

import (
	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd"
)

// fetch gives the driver the blocks that an action of a ForEach body waits for.
func (w *Worker) fetch(m wire.Fetch) {
	open := w.open(m.Epoch, m.Batch)
	if open == nil {
		return
	}
	w.mu.Lock()
	p := open.programs[m.Program]
	w.mu.Unlock()
	out := wire.Fetched{Batch: m.Batch, Program: m.Program, Partitions: m.Partitions}
	shape := p.Stages[m.Stage].Node.Shape
	for _, part := range m.Partitions {
		var chunks []rdd.Chunk
		for c, err := range open.blocks.read(rdd.Block{Program: m.Program, Stage: m.Stage, Partition: part}, anyAttempt, shape) {
			if err != nil {
				out.Err = err
				break
			}
			chunks = append(chunks, c)
		}
		out.Chunks = append(out.Chunks, chunks)
	}
	w.report(out)
}
