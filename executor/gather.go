package executor

import (
	"errors"
	"fmt"

	"github.com/tidemill/tidemill/executor/flight"
	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd"
)

// taskBlocks is rdd.Blocks for one attempt: what it appends stays here, and what it reads comes from here or from other workers.
//
// A reducer reads one bucket of every partition of a stage, in order. At the first one that lies elsewhere, one stream is opened to each
// holder for all that lie there, so the number of requests grows with workers and not with partitions. Streams are read in turn; what is
// not read yet waits at the sender, whose memory is bounded by the windows of the streams.
type taskBlocks struct {
	w    *Worker
	open *openBatch

	streams map[streamOf]*stream // the newest of each
	opened  []*flight.Reader     // all of them
}

// streamOf names a stream: a bucket of a stage, from one holder.
type streamOf struct {
	program, stage, bucket int
	peer                   int32
}

// stream is a reader and the partitions that it is going to deliver.
type stream struct {
	reader *flight.Reader
	next   []int32
}

// Append adds a chunk to the attempt's own output.
func (t *taskBlocks) Append(task *rdd.Task, bucket int, c rdd.Chunk) error {
	return t.open.blocks.Append(task, bucket, c)
}

// Read yields a block's chunks, from wherever it lies.
func (t *taskBlocks) Read(task *rdd.Task, b rdd.Block, shape *rdd.Shape) rdd.Seq {
	t.w.mu.Lock()
	at, told := t.open.outputs.at(b)
	t.w.mu.Unlock()
	switch {
	case !told:
		return t.open.blocks.read(b, anyAttempt, shape)
	case at.Peer == nobody:
		return failed(&rdd.FetchError{Block: b, Attempt: int(at.Attempt), Err: errNobody})
	case at.Empty:
		return func(func(rdd.Chunk, error) bool) {}
	case at.Peer == here:
		return t.open.blocks.read(b, int(at.Attempt), shape)
	}
	return t.fetch(task, b, at, shape)
}

func failed(err error) rdd.Seq {
	return func(yield func(rdd.Chunk, error) bool) { yield(nil, err) }
}

// fetch yields a block of another worker.
func (t *taskBlocks) fetch(task *rdd.Task, b rdd.Block, at wire.OutputAt, shape *rdd.Shape) rdd.Seq {
	return func(yield func(rdd.Chunk, error) bool) {
		s, err := t.stream(task, b, at)
		if err != nil {
			yield(nil, missing(b, at, err))
			return
		}
		s.next = s.next[1:]
		for c, err := range s.reader.Next(shape) {
			if err != nil {
				err = missing(b, at, err)
			}
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}

// missing says why a block of another worker cannot be had: it is not there, or its holder is not.
func missing(b rdd.Block, at wire.OutputAt, err error) error {
	return &rdd.FetchError{Block: b, Attempt: int(at.Attempt), Cut: !errors.As(err, new(*flight.MissingError)), Err: err}
}

// stream is one that delivers the block next. Where a consumer stopped early, or two read the same blocks side by side, that is a new one.
func (t *taskBlocks) stream(task *rdd.Task, b rdd.Block, at wire.OutputAt) (*stream, error) {
	key := streamOf{b.Program, b.Stage, b.Bucket, at.Peer}
	if s := t.streams[key]; s != nil && len(s.next) > 0 && s.next[0] == int32(b.Partition) {
		return s, nil
	}
	s, err := t.begin(task, b, at)
	if err != nil {
		return nil, err
	}
	for {
		next, at, ok := t.other(b)
		if !ok {
			return s, nil
		}
		if _, err := t.begin(task, next, at); err != nil {
			return s, nil // whoever reads that far hears of it
		}
	}
}

// other finds a block of the same bucket, behind b, whose holder has not been asked yet: all holders gather what they have at the same time.
func (t *taskBlocks) other(b rdd.Block) (rdd.Block, wire.OutputAt, bool) {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	o, p := &t.open.outputs, t.open.programs[b.Program]
	if p == nil || p.Stages[b.Stage].Exchange == nil {
		return b, wire.OutputAt{}, false
	}
	for i := b.Partition + 1; i < o.width(b); i++ {
		next := rdd.Block{Program: b.Program, Stage: b.Stage, Partition: i, Bucket: b.Bucket}
		at, _ := o.at(next)
		if at.Peer >= 0 && !at.Empty && t.streams[streamOf{b.Program, b.Stage, b.Bucket, at.Peer}] == nil {
			return next, at, true
		}
	}
	return b, wire.OutputAt{}, false
}

// begin opens a stream that begins with a block.
func (t *taskBlocks) begin(task *rdd.Task, b rdd.Block, at wire.OutputAt) (*stream, error) {
	parts, peer := t.ahead(b, at)
	reader, err := t.w.o.Fetcher.Open(task.Context, peer.Address, flight.Ticket{
		Epoch: t.open.begin.Epoch, Batch: task.ID.Batch, Incarnation: peer.Incarnation,
		Program: b.Program, Stage: b.Stage, Bucket: b.Bucket, Parts: parts,
	})
	if err != nil {
		return nil, fmt.Errorf("from %s: %w", peer.Worker, err)
	}
	s := &stream{reader: reader}
	for _, p := range parts {
		s.next = append(s.next, p.Partition)
	}
	if t.streams == nil {
		t.streams = map[streamOf]*stream{}
	}
	t.streams[streamOf{b.Program, b.Stage, b.Bucket, at.Peer}] = s
	t.opened = append(t.opened, reader)
	return s, nil
}

// ahead lists the partitions from the block's own on that lie at its holder and have rows.
func (t *taskBlocks) ahead(b rdd.Block, at wire.OutputAt) ([]flight.Part, wire.Peer) {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	o, p := &t.open.outputs, t.open.programs[b.Program]
	parts := []flight.Part{{Partition: int32(b.Partition), Attempt: at.Attempt}}
	if p == nil || p.Stages[b.Stage].Exchange == nil {
		return parts, o.peers[at.Peer] // kept rows: a task reads its own partition and no other
	}
	for i := b.Partition + 1; i < o.width(b); i++ {
		next, _ := o.at(rdd.Block{Program: b.Program, Stage: b.Stage, Partition: i})
		if next.Peer == at.Peer && !next.Empty {
			parts = append(parts, flight.Part{Partition: int32(i), Attempt: next.Attempt})
		}
	}
	return parts, o.peers[at.Peer]
}

// close gives up the streams that the attempt has opened.
func (t *taskBlocks) close() {
	for _, r := range t.opened {
		r.Close()
	}
}
