package executor

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

// blockStore keeps the output of tasks: in memory up to a limit, on disk beyond it. What an attempt appended becomes readable when
// the attempt is sealed; a later attempt at the same partition replaces it.
type blockStore struct {
	limit   int64  // bytes in memory
	scratch string // folder for spill files

	mu      sync.Mutex
	used    int64
	batches map[int64]*batchBlocks
}

type batchBlocks struct {
	outputs map[rdd.TaskID]*output
	sealed  map[place]*output // the output that counts
}

type place struct{ program, stage, partition int }

// output is what one attempt has appended, bucket by bucket.
type output struct {
	buckets map[int][]stored
	memory  int64
	spilled int64
	spill   *spillFile
}

// stored is one chunk: in memory, or at a place in the spill file.
type stored struct {
	chunk  rdd.Chunk
	offset int64
	length int64
}

func newBlockStore(limit int64, scratch string) *blockStore {
	return &blockStore{limit: limit, scratch: scratch, batches: map[int64]*batchBlocks{}}
}

// Append adds a chunk to a bucket of the task's output. A chunk for which there is no room in memory goes to disk.
func (s *blockStore) Append(t *rdd.Task, bucket int, c rdd.Chunk) error {
	size := c.Bytes()
	s.mu.Lock()
	out := s.outputOf(t.ID)
	fits := s.used+size <= s.limit
	if fits {
		s.used += size
		out.memory += size
		out.buckets[bucket] = append(out.buckets[bucket], stored{chunk: c})
	}
	s.mu.Unlock()
	if fits {
		return nil
	}
	return s.spillTo(t.ID, out, bucket, c)
}

func (s *blockStore) outputOf(id rdd.TaskID) *output {
	b := s.batches[id.Batch]
	if b == nil {
		b = &batchBlocks{outputs: map[rdd.TaskID]*output{}, sealed: map[place]*output{}}
		s.batches[id.Batch] = b
	}
	out := b.outputs[id]
	if out == nil {
		out = &output{buckets: map[int][]stored{}}
		b.outputs[id] = out
	}
	return out
}

// spillTo writes a chunk to the attempt's own file. Only the attempt's goroutine comes here.
func (s *blockStore) spillTo(id rdd.TaskID, out *output, bucket int, c rdd.Chunk) error {
	if out.spill == nil {
		name := fmt.Sprintf("%d-%d-%d-%d-%d.spill", id.Batch, id.Program, id.Stage, id.Partition, id.Attempt)
		f, err := newSpillFile(filepath.Join(s.scratch, name))
		if err != nil {
			return err
		}
		out.spill = f
	}
	at, n, err := out.spill.write(c)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out.spilled += n
	out.buckets[bucket] = append(out.buckets[bucket], stored{offset: at, length: n})
	return nil
}

// seal makes an attempt's output the one that counts and returns how much of it lies on disk.
func (s *blockStore) seal(id rdd.TaskID) (spilled int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.outputOf(id)
	s.batches[id.Batch].sealed[place{id.Program, id.Stage, id.Partition}] = out
	return out.spilled
}

// discard drops what a failed attempt left.
func (s *blockStore) discard(id rdd.TaskID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.batches[id.Batch]; b != nil {
		if out := b.outputs[id]; out != nil {
			s.free(out)
			delete(b.outputs, id)
		}
	}
}

// drop gives up everything of a batch.
func (s *blockStore) drop(batch int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.batches[batch]; b != nil {
		for _, out := range b.outputs {
			s.free(out)
		}
		delete(s.batches, batch)
	}
}

func (s *blockStore) free(out *output) {
	s.used -= out.memory
	if out.spill != nil {
		out.spill.remove()
	}
}

var errNoBlock = errors.New("it is not kept here")

// Read yields the chunks of a block.
func (s *blockStore) Read(t *rdd.Task, b rdd.Block, shape *rdd.Shape) rdd.Seq {
	return s.read(t.ID.Batch, b, shape)
}

func (s *blockStore) read(batch int64, b rdd.Block, shape *rdd.Shape) rdd.Seq {
	return func(yield func(rdd.Chunk, error) bool) {
		s.mu.Lock()
		var out *output
		if of := s.batches[batch]; of != nil {
			out = of.sealed[place{b.Program, b.Stage, b.Partition}]
		}
		s.mu.Unlock()
		if out == nil {
			yield(nil, &rdd.FetchError{Block: b, Err: errNoBlock})
			return
		}
		for _, c := range out.buckets[b.Bucket] {
			chunk, err := c.chunk, error(nil)
			if chunk == nil {
				chunk, err = out.spill.read(c, shape)
			}
			if err != nil {
				yield(nil, &rdd.FetchError{Block: b, Err: err})
				return
			}
			if !yield(chunk, nil) {
				return
			}
		}
	}
}

// spillFile is the part of one attempt's output that had no room in memory: frames one after the other.
type spillFile struct {
	f  *os.File
	at int64
}

func newSpillFile(name string) (*spillFile, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, fmt.Errorf("make the scratch folder: %w", err)
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("spill: %w", err)
	}
	return &spillFile{f: f}, nil
}

func (s *spillFile) write(c rdd.Chunk) (at, n int64, err error) {
	rec, err := c.Record()
	if err != nil {
		return 0, 0, fmt.Errorf("spill: %w", err)
	}
	defer rec.Release()
	n, _, err = codec.WriteFrame(s.f, rec)
	if err != nil {
		return 0, 0, fmt.Errorf("spill to %s: %w (give scratch a place with more room, or raise memory.blocks)", filepath.Dir(s.f.Name()), err)
	}
	at = s.at
	s.at += n
	return at, n, nil
}

func (s *spillFile) read(c stored, shape *rdd.Shape) (rdd.Chunk, error) {
	rec, err := codec.ReadFrame(io.NewSectionReader(s.f, c.offset, c.length), codec.Limits{Bytes: c.length})
	if err != nil {
		return nil, fmt.Errorf("read back spilled rows: %w", err)
	}
	return shape.Decode(rec)
}

func (s *spillFile) remove() {
	s.f.Close()
	os.Remove(s.f.Name())
}
