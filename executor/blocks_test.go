package executor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/tidemill/tidemill/rdd"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type row struct {
	Name string
	N    int64
}

func chunk(names ...string) rdd.Chunk {
	r := &rdd.Rows[rdd.None, row]{Sealed: rdd.AllColumns}
	for i, n := range names {
		r.Vals = append(r.Vals, row{n, int64(i)})
	}
	return r
}

func task(attempt int) *rdd.Task {
	return &rdd.Task{Context: context.Background(), ID: rdd.TaskID{Batch: 1, Stage: 2, Partition: 3, Attempt: attempt}}
}

func readBlock(t *testing.T, s *batchBlocks, bucket int) (names []string, err error) {
	t.Helper()
	shape, err := rdd.ShapeOf[rdd.None, row]()
	if err != nil {
		t.Fatal(err)
	}
	for c, err := range s.read(rdd.Block{Stage: 2, Partition: 3, Bucket: bucket}, anyAttempt, shape) {
		if err != nil {
			return names, err
		}
		for _, v := range c.(*rdd.Rows[rdd.None, row]).Vals {
			names = append(names, v.Name)
		}
	}
	return names, nil
}

// TestBlocks appends to two buckets with room for everything, for one chunk, and for nothing: what comes back is the same, in order.
func TestBlocks(t *testing.T) {
	for _, limit := range []int64{1 << 20, 60, 0} {
		s := newBlockStore(limit, filepath.Join(t.TempDir(), "scratch")).open()
		a := task(1)
		for _, c := range []struct {
			bucket int
			names  []string
		}{{0, []string{"a", "b"}}, {1, []string{"x"}}, {0, []string{"c"}}} {
			if err := s.Append(a, c.bucket, chunk(c.names...)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := readBlock(t, s, 0); !errors.As(err, new(*rdd.FetchError)) {
			t.Errorf("limit %d: output that is not sealed: %v, want a FetchError", limit, err)
		}
		spilled := s.seal(a.ID)
		if (spilled > 0) != (limit < 1<<20) {
			t.Errorf("limit %d: %d bytes spilled", limit, spilled)
		}
		for bucket, want := range [][]string{{"a", "b", "c"}, {"x"}, nil} {
			if got, err := readBlock(t, s, bucket); err != nil || !slices.Equal(got, want) {
				t.Errorf("limit %d, bucket %d: %q, %v; want %q", limit, bucket, got, err, want)
			}
		}
		s.drop()
		if s.s.used != 0 {
			t.Errorf("limit %d: %d bytes in use after the batch", limit, s.s.used)
		}
		if files, _ := os.ReadDir(s.s.scratch); len(files) > 0 {
			t.Errorf("limit %d: %d spill files after the batch", limit, len(files))
		}
	}
}

// TestLaterAttemptReplaces shows that the output which counts is that of the attempt which was sealed last, and that a failed one
// leaves nothing.
func TestLaterAttemptReplaces(t *testing.T) {
	s := newBlockStore(50, filepath.Join(t.TempDir(), "scratch")).open()
	for attempt, name := range []string{"first", "failed", "second"} {
		if err := s.Append(task(attempt), 0, chunk(name, "a long name that does not fit into fifty bytes")); err != nil {
			t.Fatal(err)
		}
		if name == "failed" {
			s.discard(task(attempt).ID)
			continue
		}
		s.seal(task(attempt).ID)
	}
	if got, err := readBlock(t, s, 0); err != nil || got[0] != "second" {
		t.Errorf("%q, %v", got, err)
	}
	s.drop()
	if files, _ := os.ReadDir(s.s.scratch); len(files) > 0 || s.s.used != 0 {
		t.Errorf("%d files, %d bytes left", len(files), s.s.used)
	}
}

// TestDamagedSpillIsAFetchError shows that a block which does not read back is computed again, and never believed.
func TestDamagedSpillIsAFetchError(t *testing.T) {
	s := newBlockStore(0, filepath.Join(t.TempDir(), "scratch")).open()
	if err := s.Append(task(1), 0, chunk("a", "b")); err != nil {
		t.Fatal(err)
	}
	s.seal(task(1).ID)
	files, err := os.ReadDir(s.s.scratch)
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	name := filepath.Join(s.s.scratch, files[0].Name())
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	var fetch *rdd.FetchError
	if _, err := readBlock(t, s, 0); !errors.As(err, &fetch) || fetch.Block.Stage != 2 || fetch.Block.Partition != 3 {
		t.Errorf("%v, want a FetchError for stage 2, partition 3", err)
	}
	s.drop()
}
