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

// blockStore bounds what the outputs of tasks take: in memory up to a limit, on disk beyond it.
type blockStore struct {
	limit   int64  // bytes in memory
	scratch string // folder for spill files

	mu    sync.Mutex // guards this and all batches of the store
	used  int64
	files int // spill files so far: their names
}

func newBlockStore(limit int64, scratch string) *blockStore {
	return &blockStore{limit: limit, scratch: scratch}
}

// batchBlocks are the outputs of the tasks of one batch under one driver. What an attempt appended becomes readable when the attempt is
// sealed; a later attempt at the same partition replaces it. After drop nothing can be added: a task that has not noticed yet that
// its batch is over must not be mistaken for one of the same number in the next.
type batchBlocks struct {
	s       *blockStore
	over    bool
	outputs map[rdd.TaskID]*output
	sealed  map[place]*output // the output that counts
}

// open makes room for a batch.
func (s *blockStore) open() *batchBlocks {
	return &batchBlocks{s: s, outputs: map[rdd.TaskID]*output{}, sealed: map[place]*output{}}
}

type place struct{ program, stage, partition int }

// output is what one attempt has appended, bucket by bucket.
type output struct {
	attempt int
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

var errOver = errors.New("the batch is over")

// Append adds a chunk to a bucket of the task's output. A chunk for which there is no room in memory goes to disk.
func (b *batchBlocks) Append(t *rdd.Task, bucket int, c rdd.Chunk) error {
	s, size := b.s, c.Bytes()
	s.mu.Lock()
	out := b.outputOf(t.ID)
	if out == nil {
		s.mu.Unlock()
		return errOver
	}
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
	return b.spillTo(out, bucket, c)
}

// outputOf is an attempt's output, nil when the batch is over.
func (b *batchBlocks) outputOf(id rdd.TaskID) *output {
	if b.over {
		return nil
	}
	out := b.outputs[id]
	if out == nil {
		out = &output{attempt: id.Attempt, buckets: map[int][]stored{}}
		b.outputs[id] = out
	}
	return out
}

// spillTo writes a chunk to the attempt's own file. Only the attempt's goroutine comes here.
func (b *batchBlocks) spillTo(out *output, bucket int, c rdd.Chunk) error {
	s := b.s
	if out.spill == nil {
		s.mu.Lock()
		s.files++
		name := filepath.Join(s.scratch, fmt.Sprintf("%d.spill", s.files))
		s.mu.Unlock()
		f, err := newSpillFile(name)
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
	if b.over {
		out.spill.remove()
		return errOver
	}
	out.spilled += n
	out.buckets[bucket] = append(out.buckets[bucket], stored{offset: at, length: n})
	return nil
}

// seal makes an attempt's output the one that counts and returns how much of it lies on disk.
func (b *batchBlocks) seal(id rdd.TaskID) (spilled int64) {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	out := b.outputOf(id)
	if out == nil {
		return 0
	}
	b.sealed[place{id.Program, id.Stage, id.Partition}] = out
	return out.spilled
}

// discard drops what a failed attempt left.
func (b *batchBlocks) discard(id rdd.TaskID) {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	if out := b.outputs[id]; out != nil {
		b.s.free(out)
		delete(b.outputs, id)
	}
}

// drop gives up everything of the batch.
func (b *batchBlocks) drop() {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	for _, out := range b.outputs {
		b.s.free(out)
	}
	b.over = true
	clear(b.outputs)
	clear(b.sealed)
}

func (s *blockStore) free(out *output) {
	s.used -= out.memory
	if out.spill != nil {
		out.spill.remove()
	}
}

var errNoBlock = errors.New("it is not kept here")

// anyAttempt reads whichever attempt was sealed last.
const anyAttempt = 0

// find is the sealed output of an attempt, or nil.
func (b *batchBlocks) find(at rdd.Block, attempt int) *output {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	out := b.sealed[place{at.Program, at.Stage, at.Partition}]
	if out == nil || attempt != anyAttempt && out.attempt != attempt {
		return nil
	}
	return out
}

// lose forgets a sealed output, as a broken disk would.
func (b *batchBlocks) lose(at rdd.Block) bool {
	lost := b.find(at, anyAttempt) != nil
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	delete(b.sealed, place{at.Program, at.Stage, at.Partition})
	return lost
}

// read yields the chunks of a block of one attempt.
func (b *batchBlocks) read(at rdd.Block, attempt int, shape *rdd.Shape) rdd.Seq {
	return func(yield func(rdd.Chunk, error) bool) {
		out := b.find(at, attempt)
		if out == nil {
			yield(nil, &rdd.FetchError{Block: at, Attempt: attempt, Err: errNoBlock})
			return
		}
		for _, c := range out.buckets[at.Bucket] {
			chunk, err := c.chunk, error(nil)
			if chunk == nil {
				chunk, err = out.spill.read(c, shape)
			}
			if err != nil {
				yield(nil, &rdd.FetchError{Block: at, Attempt: attempt, Err: err})
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
