package fleet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/executor/node"
	"github.com/tidemill/tidemill/executor/wire"
)

func TestOptions(t *testing.T) {
	told := func(Event) {}
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{}, "name of its job"},
		{Options{Job: "ads"}, "--cluster"},
		{Options{Job: "ads", Cluster: []string{"a:1"}}, "somebody to tell"},
		{Options{Job: "ads", Cluster: []string{"a:1"}, Told: told, Executors: -1}, "below zero"},
		{Options{Job: "ads", Cluster: []string{"a:1"}, Told: told, Binary: t.TempDir() + "/no"}, "read the job's binary: open "},
	} {
		if _, err := Start(t.Context(), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.o, err)
		}
	}
}

// A driver that takes no events holds up neither streams nor what is sent; closing gives it up.
func TestDriverThatDoesNotListen(t *testing.T) {
	binary := binaryFile(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		x := w.add("ex-1", "a:1")
		release, ups := make(chan struct{}), make(chan Worker, 10)
		f, err := Start(context.Background(), Options{Job: "ads", Graph: "g", Cluster: []string{"a:1"}, Binary: binary, net: w, Told: func(e Event) {
			if u, ok := e.(Up); ok {
				ups <- u.Worker
			}
			<-release
		}})
		if err != nil {
			t.Fatal(err)
		}
		up := <-ups
		time.Sleep(time.Minute)
		f.Send(up, wire.Commit{Batch: 1})
		f.Broadcast(wire.Commit{Batch: 2})
		w.mu.Lock()
		s := x.streams[0]
		for i := range 10_000 {
			s.report([]wire.Report{wire.Refused{Batch: int64(i)}})
		}
		w.mu.Unlock()
		if fmt.Sprint(s.sent) != "[{0 1} {0 2}]" {
			t.Error(s.sent)
		}
		begin := time.Now()
		if err := f.Close(t.Context(), true); err == nil || time.Since(begin) != closeTime {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		close(release)
		synctest.Wait()
		f.Send(up, wire.Commit{Batch: 3})
		if err := f.Close(t.Context(), true); err != nil {
			t.Error(err)
		}
	})
}

// The end of its context ends a fleet, and leaves the workers.
func TestContext(t *testing.T) {
	binary := binaryFile(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		x := w.add("ex-1", "a:1")
		ctx, cancel := context.WithCancel(t.Context())
		var told []string
		f, err := Start(ctx, Options{Job: "ads", Graph: "g", Cluster: []string{"a:1"}, Binary: binary, net: w, Told: func(e Event) { told = append(told, fmt.Sprintf("%T", e)) }})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		cancel()
		synctest.Wait()
		x.streams[0].report([]wire.Report{wire.Refused{}})
		if err := f.Close(t.Context(), true); err != nil {
			t.Error(err)
		}
		if x.stopped != 0 || !slices.Equal(told, []string{"fleet.Up", "fleet.Report", "fleet.Down"}) {
			t.Error(x.stopped, told)
		}
	})
}

func TestChoose(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		racks, n := rapid.IntRange(1, 4).Draw(t, "racks"), rapid.IntRange(0, 12).Draw(t, "n")
		of := make([]candidate, rapid.IntRange(0, 12).Draw(t, "of"))
		for i := range of {
			of[i] = candidate{name: fmt.Sprint("ex-", i), rack: fmt.Sprint(rapid.IntRange(0, racks-1).Draw(t, "rack")), memory: rapid.Int64Range(0, 3).Draw(t, "memory")}
		}
		names := choose(of, n)
		want := n
		if n == 0 || n > len(of) {
			want = len(of)
		}
		if len(names) != want {
			t.Fatalf("%d of %d, want %d", len(names), len(of), want)
		}
		// The racks hold as equally many as they can, whatever the order.
		in, left := map[string]int{}, map[string]int{}
		for i, c := range of {
			if of[i].chosen = names[c.name]; of[i].chosen {
				in[c.rack]++
			} else {
				left[c.rack]++
			}
		}
		for rack, most := range in {
			for other := range left {
				if in[other] < most-1 {
					t.Fatalf("%d of rack %s, %d of rack %s, which has more", most, rack, in[other], other)
				}
			}
		}
		slices.Reverse(of)
		if !maps.Equal(choose(of, n), names) {
			t.Fatal("those chosen did not stay")
		}
		for i := range of {
			of[i].chosen = false
		}
		if !maps.Equal(choose(of, n), names) {
			t.Fatal("the choice depends on the order")
		}
	})
}

func TestReasons(t *testing.T) {
	for _, c := range []struct {
		err  error
		kind Kind
		text string
	}{
		{fmt.Errorf("executor at a:1: Start: %w", node.ErrReplaced), Replaced, "replaced by a driver of a higher epoch"},
		{fmt.Errorf("attach: %w", &wire.EpochError{Worker: "ex-1", Have: 7, Want: 6}), Replaced, "attach: worker ex-1 belongs to a driver of epoch 7; this one has epoch 6 and was replaced"},
		{&wire.DigestError{Driver: "a", Worker: "b"}, OtherGraph, ""},
		{&wire.RefusedError{Err: &wire.DigestError{Driver: "a", Worker: "b"}}, OtherGraph, ""},
		{node.ErrEngine, OtherEngine, ""},
		{node.ErrRoom, NoRoom, ""},
		{node.ErrDraining, Leaving, ""},
		{node.ErrAltered, Altered, ""},
		{node.ErrWorker, NoWorker, ""},
		{node.ErrDenied, Untrusted, ""},
		{context.DeadlineExceeded, Unreachable, ""},
		{status.Error(codes.Unavailable, `connection error: desc = "transport: authentication handshake failed: its \"name\""`), Untrusted, `its "name"`},
		{status.Error(codes.Unavailable, `connection error: desc = "error reading server preface: EOF"`), Untrusted, ""},
		{status.Error(codes.Unavailable, "connection refused"), Unreachable, "connection refused"},
		{status.Error(codes.PermissionDenied, "only drivers may"), Untrusted, "only drivers may"},
		{errors.New("disk on fire"), Failed, "disk on fire"},
		{fmt.Errorf("x: %w", because(NameTwice, "y")), NameTwice, "y"},
	} {
		r := ReasonOf(c.err)
		if r.Kind != c.kind || c.text != "" && r.Error() != c.text {
			t.Errorf("%v: %s: %v", c.err, r.Kind, r)
		}
	}
}
