package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"unsafe"

	"github.com/tidemill/tidemill/dstream"
)

// numbers is a source of the numbers below 100, of which every tenth is bad, with a fault.
type numbers struct {
	fault, dir string

	mu      sync.Mutex
	next    int64
	planned map[int64]bool
}

const total = 100

// reads is what the fault "read again" depends on.
var reads sync.Map

func (s *numbers) Plan(_ context.Context, from dstream.Offsets, limit dstream.Limit) (dstream.Range, error) {
	var at int64
	_, _ = fmt.Sscan(string(from), &at) // none in empty offsets
	n := int64(total)
	if limit.Rows > 0 {
		n = limit.Rows
	} else if limit.Bytes > 0 {
		n = 10
	}
	if s.fault == "limit" {
		n *= 2
	}
	to := min(total, at+n)
	r := dstream.Range{To: strconv.AppendInt(nil, to, 10), Ended: to == total}
	if at < to {
		r.Splits = []dstream.Split{{Name: "n", From: at, To: to}}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	switch s.fault {
	case "splits join":
		for i := range r.Splits {
			r.Splits[i].From = max(0, at-1)
		}
	case "plan again":
		r.To = append(r.To, fmt.Sprintf(" %d", s.next)...)
	case "end":
		r.Ended = r.Ended && at < total
	case "killed between plan and read":
		s.planned[at] = true
	}
	return r, nil
}

func (s *numbers) Read(ctx context.Context, c dstream.Split, to *dstream.Reader) (fetched int64, err error) {
	from, end := c.From, c.To
	again, _ := reads.LoadOrStore(s.dir+fmt.Sprint(from), new(int64))
	s.mu.Lock()
	count := again.(*int64)
	*count++
	shift := int64(0)
	if s.fault == "read again" {
		shift = *count - 1
	}
	known := s.planned[from]
	if s.fault == "read in any order" && from != s.next {
		shift = 1
	}
	s.next = end
	s.mu.Unlock()
	if _, err := os.Stat(filepath.Join(s.dir, "gone")); err == nil {
		return 0, errors.New("gone")
	}
	if s.fault == "killed between plan and read" && !known {
		return 0, errors.New("a split that this process has not planned")
	}
	if s.fault == "all rows once" {
		end--
	}
	for n := from; n < end; n++ {
		fetched++
		if err := s.deliver(ctx, n, shift, to); err != nil {
			return fetched, err
		}
	}
	if s.fault == "counts" {
		fetched++
	}
	return fetched, nil
}

func (s *numbers) deliver(ctx context.Context, n, shift int64, to *dstream.Reader) error {
	if n%10 == 9 {
		bad := dstream.BadRecord{Position: strconv.FormatInt(n, 10), Bytes: []byte("?"), Reason: "it is a nine"}
		if s.fault == "dead letters" {
			bad.Position = ""
		}
		return to.Reject(bad)
	}
	*(*int64)(unsafe.Pointer(to.Row())) = n + shift
	err := to.Add()
	if s.fault == "stop" && err != nil {
		return errors.New("something went wrong")
	}
	return errors.Join(err, ctx.Err())
}

func (s *numbers) Committed(context.Context, dstream.Offsets) error {
	if s.fault == "committed" {
		return os.WriteFile(filepath.Join(s.dir, "gone"), nil, 0o600)
	}
	return nil
}

func numbersWith(fault string) Input[int64] {
	in := Input[int64]{Bad: total / 10, Open: func(dir string) (dstream.Connector, error) {
		return &numbers{fault: fault, dir: dir, planned: map[int64]bool{}}, nil
	}}
	for n := range int64(total) {
		if n%10 != 9 {
			in.Rows = append(in.Rows, n)
		}
	}
	return in
}

func TestSoundSource(t *testing.T) { Source(t, numbersWith("")) }

func TestEveryFaultOfASourceIsCaught(t *testing.T) {
	for _, c := range sourceChecks[int64]() {
		t.Run(c.name, func(t *testing.T) {
			in := numbersWith(c.name)
			if childOf(t) != "" {
				in.half(t)
			}
			err := in.run(t, t.Name(), c)
			if err == nil {
				t.Fatal("a source with this fault passes the check")
			}
			t.Log(err)
		})
	}
}
