package cassandra

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// cut cuts a body into pieces that cross no window.
func cut(random *rand.Rand, body []byte) (out []piece) {
	for off := 0; off < len(body); {
		n := min(1+random.IntN(200_000), window-off%window, len(body)-off)
		out = append(out, piece{int64(off), body[off : off+n]})
		off += n
	}
	return out
}

// reading is a reader of pieces, of which fail may fail some fetches.
func reading(size int, ps []piece, gaps bool, fail func() error) *reader {
	r := &reader{size: int64(size), gaps: gaps, windows: map[int64]*fetched{}}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.fetch = func(_ context.Context, from, to int64) (out []piece, err error) {
		for _, c := range ps {
			if c.at >= from && c.at < to {
				out = append(out, c)
			}
		}
		return out, fail()
	}
	return r
}

func never() error { return nil }

func TestReader(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	body := make([]byte, 9*window+1234)
	for i := range body {
		body[i] = byte(random.Uint32())
	}
	r := reading(len(body), cut(random, body), false, never)
	defer r.Close()
	var wg sync.WaitGroup
	for range 4 { // goroutines
		seed := random.Uint64()
		wg.Go(func() {
			random := rand.New(rand.NewPCG(seed, 1))
			for range 50 {
				p, off := make([]byte, random.IntN(3*window)), random.Int64N(int64(len(body)))
				n, err := r.ReadAt(p, off)
				want := body[off:min(off+int64(len(p)), int64(len(body)))]
				if !bytes.Equal(p[:n], want) || (n < len(p)) != (err == io.EOF) {
					t.Errorf("%d bytes at %d: %d, %v", len(p), off, n, err)
				}
			}
		})
	}
	wg.Wait()
	if len(r.windows) > kept || len(r.order) > kept {
		t.Errorf("%d windows are kept", len(r.windows))
	}
	if all, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size())); err != nil || !bytes.Equal(all, body) {
		t.Errorf("read in order: %d bytes, %v", len(all), err)
	}
	if _, err := r.ReadAt(make([]byte, 1), -1); err == nil {
		t.Error("read before the start")
	}
}

func TestReaderTriesAgain(t *testing.T) {
	body, failed, boom := make([]byte, window), false, errors.New("boom")
	r := reading(len(body), []piece{{0, body}}, false, func() error {
		if !failed {
			failed = true
			return boom
		}
		return nil
	})
	defer r.Close()
	if _, err := r.ReadAt(body[:5], 0); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
	if n, err := r.ReadAt(body[:5], 0); n != 5 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

func TestReaderEndsWithClose(t *testing.T) {
	began := make(chan bool)
	r := &reader{size: window, windows: map[int64]*fetched{}}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.fetch = func(ctx context.Context, _, _ int64) ([]piece, error) {
		began <- true
		<-ctx.Done()
		return nil, ctx.Err()
	}
	got := make(chan error)
	go func() {
		_, err := r.ReadAt(make([]byte, 1), 0)
		got <- err
	}()
	<-began
	_ = r.Close()
	if err := <-got; err == nil {
		t.Error("read from a reader that was closed")
	}
}

// What is missing from a file is an error; what is missing from the end of a log
// was never synced.
func TestGaps(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	body := bytes.Repeat([]byte{7}, 2*window)
	whole := cut(random, body)
	for i := range whole {
		ps := slices.Delete(slices.Clone(whole), i, i+1)
		r := reading(len(body), ps, false, never)
		if _, err := r.ReadAt(make([]byte, len(body)), 0); err == nil {
			t.Errorf("piece %d is missing, and nobody says so", i)
		}
		r.Close()
		r = reading(len(body), ps, true, never)
		got := make([]byte, len(body))
		if _, err := r.ReadAt(got, 0); err != nil || bytes.Count(got, []byte{0}) != len(whole[i].body) {
			t.Errorf("piece %d of a log: %v", i, err)
		}
		r.Close()
	}
}

func TestGrouped(t *testing.T) {
	for _, c := range []struct {
		off  int64
		n    int
		want []int // rows of each group
	}{
		{0, 0, []int{0}},
		{5, 10, []int{1}},
		{window - 5, 10, []int{2}},
		{0, mutation, []int{2}},
		{1, mutation, []int{3}},
		{0, 3*mutation + 1, []int{2, 2, 2, 1}},
	} {
		body := bytes.Repeat([]byte{1}, c.n)
		at, total := c.off, 0
		var got []int
		for _, g := range grouped(c.off, body) {
			size := 0
			for _, r := range g {
				if r.at != at || r.at/window != (r.at+int64(len(r.body))-1)/window {
					t.Errorf("%+v: a row of %d bytes at %d", c, len(r.body), r.at)
				}
				at += int64(len(r.body))
				size += len(r.body)
			}
			if size > mutation {
				t.Errorf("%+v: a change of %d bytes", c, size)
			}
			got, total = append(got, len(g)), total+size
		}
		if !slices.Equal(got, c.want) || total != c.n {
			t.Errorf("%+v: got %v of %d bytes", c, got, total)
		}
	}
}
