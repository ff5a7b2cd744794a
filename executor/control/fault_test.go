package control

import (
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidemill/tidemill/executor/wire"
)

// script decides about the frames of one direction by what is in them; others pass.
func script(direction string, f func(ms []wire.Message, frame []byte) []Delivery) (Fault, func(*Stream)) {
	var mu sync.Mutex
	var of wire.Header
	ready := make(chan struct{})
	fault := func(d string, frame []byte) []Delivery {
		<-ready
		mu.Lock()
		defer mu.Unlock()
		if _, ms, err := new(wire.Reader).Messages(frame, of); d == direction && err == nil && len(ms) > 0 {
			return f(ms, frame)
		}
		return []Delivery{{Frame: frame}}
	}
	return fault, func(s *Stream) {
		of = wire.Header{Epoch: 1, Incarnation: s.Hello().Incarnation, Graph: "g"}
		close(ready)
	}
}

func TestFramesThatComeTwiceAreTakenOnce(t *testing.T) {
	s := play(t, WorkerOptions{})
	fault, ready := script("send", func(_ []wire.Message, frame []byte) []Delivery { return []Delivery{{Frame: frame}, {Frame: frame}} })
	st, _ := s.attached(1, StreamOptions{Fault: fault})
	ready(st)
	st.Send(wire.Commit{Epoch: 1, Batch: 1})
	s.sees("{1 1}")
	st.Send(wire.Commit{Epoch: 1, Batch: 2})
	if log := s.sees("{1 2}"); len(log) != 3 {
		t.Errorf("%q", log)
	}
	if n := s.worker.now.Load().strays.Load(); n < 1 {
		t.Errorf("%d frames were ignored", n)
	}
}

// TestLostFramesEndTheStream: nothing is skipped, whatever comes behind a frame that was lost. A beat is enough to notice.
func TestLostFramesEndTheStream(t *testing.T) {
	s := play(t, WorkerOptions{})
	fault, ready := script("send", func([]wire.Message, []byte) []Delivery { return nil })
	st, _ := s.attached(1, StreamOptions{Fault: fault})
	ready(st)
	st.Send(wire.Commit{Epoch: 1, Batch: 1})
	for _, line := range s.sees("lost: from driver of epoch 1: a frame was lost") {
		if line == "{1 1}" {
			t.Error("a dropped frame came")
		}
	}
	if err := ended(t, st); err == nil {
		t.Error("no error")
	}
}

// TestLateFramesEndTheStream: one that comes after a later one is lost.
func TestLateFramesEndTheStream(t *testing.T) {
	s := play(t, WorkerOptions{})
	fault, ready := script("send", func(ms []wire.Message, frame []byte) []Delivery {
		if ms[0] == (wire.Commit{Epoch: 1, Batch: 1}) {
			return []Delivery{{After: time.Hour, Frame: frame}}
		}
		return []Delivery{{Frame: frame}}
	})
	st, _ := s.attached(1, StreamOptions{Fault: fault})
	ready(st)
	st.Send(wire.Commit{Epoch: 1, Batch: 1})
	s.sees("a frame was lost")
	st.Close()
}

// TestDelayKeepsOrder: frames that all come late are late, and nothing else.
func TestDelayKeepsOrder(t *testing.T) {
	s := play(t, WorkerOptions{Beat: time.Hour, Silence: 3 * time.Hour})
	fault, ready := script("send", func(_ []wire.Message, frame []byte) []Delivery {
		return []Delivery{{After: time.Millisecond, Frame: frame}}
	})
	st, _ := s.attached(1, StreamOptions{Fault: fault, Beat: time.Hour})
	ready(st)
	for i := range 3 {
		st.Send(wire.Commit{Epoch: 1, Batch: int64(i)})
		s.sees("{1 " + string(rune('0'+i)) + "}")
	}
}

// TestFramesOfAnotherAttachmentChangeNothing: one that was on its way when the worker was attached anew.
func TestFramesOfAnotherAttachmentChangeNothing(t *testing.T) {
	s := play(t, WorkerOptions{})
	var stale []byte
	fault, ready := script("send", func(_ []wire.Message, frame []byte) []Delivery {
		stale = frame
		return []Delivery{{Frame: frame}}
	})
	first, _ := s.attached(1, StreamOptions{Fault: fault})
	ready(first)
	first.Send(wire.Commit{Epoch: 1, Batch: 1})
	s.sees("{1 1}")
	first.Close()

	fault, ready = script("send", func(_ []wire.Message, frame []byte) []Delivery {
		return []Delivery{{Frame: stale}, {Frame: frame}}
	})
	second, _ := s.attached(1, StreamOptions{Fault: fault})
	ready(second)
	second.Send(wire.Commit{Epoch: 1, Batch: 2})
	log := s.sees("{1 2}")
	if n := strings.Count(strings.Join(log, "\n"), "{1 1}"); n != 1 {
		t.Errorf("%q", log)
	}
	if n := s.worker.now.Load().strays.Load(); n != 1 {
		t.Errorf("%d frames were ignored", n)
	}
}

// TestZombieReports: what a worker sends under an attachment that has ended is not for the next one.
func TestZombieReports(t *testing.T) {
	s := play(t, WorkerOptions{})
	var stale []byte
	note := func(d string, frame []byte) []Delivery {
		if d == "receive" && len(frame) > 60 {
			stale = frame
		}
		return []Delivery{{Frame: frame}}
	}
	first, got := s.attached(1, StreamOptions{Fault: note})
	s.worker.Report(wire.Restored{State: wire.StateRef{Step: strings.Repeat("x", 60)}, Keys: 1})
	<-got
	first.Close()
	replay := func(d string, frame []byte) []Delivery {
		if d == "receive" && len(frame) > 60 {
			return []Delivery{{Frame: stale}, {Frame: frame}}
		}
		return []Delivery{{Frame: frame}}
	}
	second, got := s.attached(1, StreamOptions{Fault: replay})
	s.worker.Report(wire.Restored{State: wire.StateRef{Step: strings.Repeat("x", 60)}, Keys: 2})
	if r := (<-got).(wire.Restored); r.Keys != 2 || second.Strays() != 1 {
		t.Errorf("%v, %d ignored", r, second.Strays())
	}
}

func TestSilenceIsFoundByTheWorker(t *testing.T) {
	s := play(t, WorkerOptions{Beat: 10 * time.Millisecond, Silence: 100 * time.Millisecond})
	st, _ := s.attached(1, StreamOptions{Fault: func(d string, frame []byte) []Delivery {
		if d == "send" {
			return nil
		}
		return []Delivery{{Frame: frame}}
	}})
	s.sees("lost: silence: nothing was heard of driver of epoch 1")
	ended(t, st)
}

func TestSilenceIsFoundByTheDriver(t *testing.T) {
	s := play(t, WorkerOptions{})
	st, _ := s.attached(1, StreamOptions{Beat: 10 * time.Millisecond, Silence: 100 * time.Millisecond, Fault: func(d string, frame []byte) []Delivery {
		if d == "receive" {
			return nil
		}
		return []Delivery{{Frame: frame}}
	}})
	if err := ended(t, st); !errors.Is(err, ErrSilent) {
		t.Error(err)
	}
	s.sees("lost: ")
}

// memory is a call whose other end is the test.
type memory struct {
	in   chan []byte
	sent chan []byte // nil: SendMsg waits for ever
	over chan struct{}
}

func (c *memory) SendMsg(m any) error {
	select {
	case c.sent <- append([]byte(nil), m.(*outgoing).frame...):
		return nil
	case <-c.over:
		return io.EOF
	}
}

func (c *memory) RecvMsg(m any) error {
	select {
	case frame := <-c.in:
		m.(*incoming).take(frame)
		return nil
	case <-c.over:
		return io.EOF
	}
}

func started(c *memory, began time.Time, take func([]wire.Message)) *link[wire.Report, wire.Message] {
	l := newLink(c, terms[wire.Report, wire.Message]{
		peer: "driver", beat: time.Hour, silence: time.Hour, encode: wire.AppendReports, decode: (*wire.Reader).Messages, take: take, sent: func() {},
	})
	l.began = began
	l.start()
	return l
}

// TestStoppedProcess: one that wakes after the time of silence takes nothing of what was waiting for it. It was stopped for two hours here, by
// its clock.
func TestStoppedProcess(t *testing.T) {
	c := &memory{in: make(chan []byte, 1), over: make(chan struct{})}
	frame, _, err := wire.AppendMessages(nil, wire.Header{}, 1, []wire.Message{wire.Grant{}})
	if err != nil {
		t.Fatal(err)
	}
	c.in <- frame
	l := started(c, time.Now().Add(-2*time.Hour), func(ms []wire.Message) { t.Errorf("%v was taken", ms) })
	<-l.done
	if !errors.Is(l.reason(), ErrSilent) {
		t.Error(l.reason())
	}
	close(c.over)
	l.gone.Wait()
}

// TestStoppedBetween: the same with the frame received already, and not yet taken.
func TestStoppedBetween(t *testing.T) {
	c := &memory{in: make(chan []byte), over: make(chan struct{})}
	l := newLink(c, terms[wire.Report, wire.Message]{peer: "driver", beat: time.Hour, silence: time.Hour, take: func(ms []wire.Message) { t.Errorf("%v was taken", ms) }})
	l.began = time.Now().Add(-2 * time.Hour)
	l.pass([]wire.Message{wire.Grant{}})
	l.takeAll()
	if !errors.Is(l.reason(), ErrSilent) {
		t.Error(l.reason())
	}
}

// TestQueuesAreBounded: one that does not read, and a function that does not return.
func TestQueuesAreBounded(t *testing.T) {
	c := &memory{in: make(chan []byte), over: make(chan struct{})}
	l := started(c, time.Now(), nil)
	for range 2*maxQueued + 2 {
		l.send(wire.Waiting{})
	}
	if !errors.Is(l.reason(), ErrOverrun) {
		t.Error(l.reason())
	}
	close(c.over)
	l.gone.Wait()

	c = &memory{in: make(chan []byte), over: make(chan struct{})}
	leave := make(chan struct{})
	l = started(c, time.Now(), func([]wire.Message) { <-leave })
	for i := range uint64(maxUntaken + 2) {
		frame, _, err := wire.AppendMessages(nil, wire.Header{}, i+1, []wire.Message{wire.Commit{}})
		if err != nil {
			t.Fatal(err)
		}
		c.in <- frame
	}
	<-l.done
	if !errors.Is(l.reason(), ErrOverrun) {
		t.Error(l.reason())
	}
	close(leave)
	close(c.over)
	l.gone.Wait()
}

// TestDamage: bytes that are no frame end the stream.
func TestDamage(t *testing.T) {
	for _, frame := range [][]byte{nil, []byte("x"), make([]byte, 100)} {
		c := &memory{in: make(chan []byte), over: make(chan struct{})}
		l := started(c, time.Now(), nil)
		c.in <- frame
		<-l.done
		if !errors.Is(l.reason(), wire.ErrFrame) {
			t.Error(l.reason())
		}
		close(c.over)
		l.gone.Wait()
	}
}

func TestParseFault(t *testing.T) {
	if f, err := ParseFault(""); f != nil || err != nil {
		t.Error(f, err)
	}
	for _, bad := range []string{"drop=2", "drop=x", "drop=NaN", "sed=1", "by=1", "seed=-1"} {
		if _, err := ParseFault(bad); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
	counts := func() (n [4]int) {
		f, err := ParseFault("seed=7,drop=0.1,duplicate=0.2,delay=0.3,by=5ms")
		if err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			switch out := f("send", []byte("x")); {
			case len(out) == 0:
				n[0]++
			case len(out) == 2:
				n[1]++
			case out[0].After > 0:
				n[2]++
			default:
				n[3]++
			}
		}
		return n
	}
	first := counts()
	if second := counts(); first != second {
		t.Errorf("%v and %v of one seed", first, second)
	}
	for i, want := range [4]int{100, 200, 300, 400} {
		if d := first[i] - want; d < -60 || d > 60 {
			t.Errorf("%v of 1,000", first)
		}
	}
}
