package rdd

import (
	"context"
	"fmt"
	"sync"
)

// Local returns a runner that computes in the caller's goroutine, one partition after the other, with all blocks in memory.
// It is the simplest correct runner, and so what the others are compared with. Datasets that were cached stay with it.
func Local() *LocalRunner { return &LocalRunner{cache: map[*Node][][]Chunk{}} }

// LocalRunner is what Local returns. Safe for concurrent use; actions run one at a time.
type LocalRunner struct {
	mu    sync.Mutex
	cache map[*Node][][]Chunk // of cached nodes: chunks by partition
}

// Collect computes a node stage by stage.
func (r *LocalRunner) Collect(ctx context.Context, n *Node) ([]Chunk, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, err := Compile(n)
	if err != nil {
		return nil, err
	}
	blocks := memoryBlocks{}
	for _, s := range p.Stages {
		if err := r.stage(ctx, p, s, blocks); err != nil {
			return nil, fmt.Errorf("%s at %s: %w", s.Node.Kind, s.Node.At, err)
		}
	}
	var out []Chunk
	last := p.Stages[p.Outputs[0]]
	for part := range last.Parts {
		out = append(out, blocks[Block{0, last.ID, part, 0}]...)
	}
	return out, nil
}

// stage computes a stage, or takes its blocks out of the cache.
func (r *LocalRunner) stage(ctx context.Context, p *Program, s *Stage, blocks memoryBlocks) error {
	cached := s.Node.Keep && s.Exchange == nil
	if parts, ok := r.cache[s.Node]; ok && cached {
		for part, chunks := range parts {
			blocks[Block{0, s.ID, part, 0}] = chunks
		}
		return nil
	}
	for part := range s.Parts {
		t := &Task{Context: ctx, ID: TaskID{Stage: s.ID, Partition: part}, Blocks: blocks, ChunkRows: DefaultChunkRows}
		if err := p.Run(t, s.ID); err != nil {
			return fmt.Errorf("partition %d: %w", part, err)
		}
	}
	if cached {
		for part := range s.Parts {
			r.cache[s.Node] = append(r.cache[s.Node], blocks[Block{0, s.ID, part, 0}])
		}
	}
	return nil
}

// DefaultChunkRows is the number of rows of a full chunk unless the configuration says otherwise.
const DefaultChunkRows = 4096

// memoryBlocks keeps everything for ever.
type memoryBlocks map[Block][]Chunk

// Append adds a chunk to a bucket.
func (m memoryBlocks) Append(t *Task, bucket int, c Chunk) error {
	at := Block{t.ID.Program, t.ID.Stage, t.ID.Partition, bucket}
	m[at] = append(m[at], c)
	return nil
}

// Read yields a block.
func (m memoryBlocks) Read(_ *Task, b Block, _ *Shape) Seq {
	return func(yield func(Chunk, error) bool) {
		for _, c := range m[b] {
			if !yield(c, nil) {
				return
			}
		}
	}
}
