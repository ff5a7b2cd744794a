package wire

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

// sealed makes a sound frame of a body.
func sealed(k kind, body []byte) []byte {
	frame := append(begin(nil, k), body...)
	binary.LittleEndian.PutUint32(frame[4:], frameSum(frame))
	return frame
}

func TestDamageIsFound(t *testing.T) {
	frame, _, err := AppendMessages(nil, Header{Graph: "g"}, 1, []Message{Commit{1, 2}, Abort{3, 4}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range frame {
		for bit := range 8 {
			frame[i] ^= 1 << bit
			if _, _, err := new(Reader).Messages(frame, Header{Graph: "g"}); !errors.Is(err, ErrFrame) {
				t.Errorf("bit %d of byte %d: %v", bit, i, err)
			}
			frame[i] ^= 1 << bit
		}
		if _, _, err := new(Reader).Messages(frame[:i], Header{Graph: "g"}); !errors.Is(err, ErrFrame) {
			t.Errorf("%d bytes: %v", i, err)
		}
	}
}

// TestLiesAreFound: sound frames with bodies that nobody of ours has written.
func TestLiesAreFound(t *testing.T) {
	head := binary.AppendUvarint(appendHeader(nil, Header{}), 1)
	huge := binary.AppendUvarint(nil, math.MaxUint64)
	for name, body := range map[string][]byte{
		"no header":         nil,
		"unknown message":   append(head[:len(head):len(head)], 0xEE),
		"huge count":        append(append(head[:len(head):len(head)], tagCancel, 2), huge...),
		"count over rest":   append(head[:len(head):len(head)], tagCancel, 2, 100, 0, 0, 0, 0, 0),
		"negative id":       append(append(head[:len(head):len(head)], tagGrant, 2, 2), huge...),
		"huge text":         append(append(head[:len(head):len(head)], tagRestore, 2, 1), huge...),
		"number too long":   append(head[:len(head):len(head)], tagCommit, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
		"plan that is none": append(head[:len(head):len(head)], tagBegin, 2, 1, '{', 0, 0),
		"no plan":           append(head[:len(head):len(head)], tagBegin, 2, 0, 0, 0),
	} {
		if _, ms, err := new(Reader).Messages(sealed(kindMessages, body), Header{}); !errors.Is(err, ErrFrame) || ms != nil {
			t.Errorf("%s: %v, %v", name, ms, err)
		}
	}
}

// TestMemoryIsBounded: many small things in a frame that would be large in memory.
func TestMemoryIsBounded(t *testing.T) {
	body := binary.AppendUvarint(appendHeader(nil, Header{}), 1)
	const n = 1 << 20
	body = append(appendID(appendInt(append(body, tagPeers), 1), 0), binary.AppendUvarint(nil, n)...)
	body = append(body, make([]byte, n*leastPeer)...)
	frame := sealed(kindMessages, body)
	used := testing.AllocsPerRun(1, func() {
		_, _, _ = new(Reader).Messages(frame, Header{})
	})
	if used > 100 {
		t.Errorf("%v allocations for peers without names", used)
	}
	small := sealed(kindMessages, append(binary.AppendUvarint(appendHeader(nil, Header{}), 1), make([]byte, 100)...))
	d := &decoder{rest: small, left: 10}
	if d.charge(11); !errors.Is(d.err, ErrFrame) {
		t.Error("the quota was not kept")
	}
}

func TestOversizeFramesAreNotMade(t *testing.T) {
	if _, err := end(append(begin(nil, kindReports), make([]byte, MaxFrame)...), 0); err == nil {
		t.Error("no error")
	}
	big := make([]byte, MaxFrame/2)
	b := appendFetched(nil, Fetched{Partitions: []int{0}, Chunks: [][]rdd.Chunk{{NewRawChunk(big, 1), NewRawChunk(big, 1), NewRawChunk(big, 1)}}})
	d := &decoder{rest: b[1:], left: 1 << 20}
	if r := readFetched(d).(Fetched); !errors.Is(r.Err, dstream.ErrPermanent) || r.Chunks != nil {
		t.Errorf("%d bytes: %v, %v", len(b), r.Err, d.err)
	}
}

func FuzzReader(f *testing.F) {
	h := Header{Epoch: 1, Incarnation: 2, Graph: "g"}
	done := TaskDone{Counts: rdd.Counts{Sent: []int64{1}, Received: map[rdd.Block]int64{{Stage: 1}: 2}}, Steps: map[string]StepSize{"s": {1, 2, 3}}}
	frames := [][]byte{}
	add := func(frame []byte, err error) {
		if err != nil {
			f.Fatal(err)
		}
		frames = append(frames, frame)
	}
	frame, _, err := AppendMessages(nil, h, 1, []Message{
		Begin{Plan: &dstream.Plan{Batch: 1}}, Launch{Tasks: []rdd.TaskID{{Batch: 1}}, Outputs: []*Outputs{{At: []OutputAt{{1, 2, true}}}}},
		Peers{Peers: []Peer{{"w", 1, "a"}}}, Action{Recorded: [][]rdd.Chunk{{NewRawChunk([]byte("x"), 1)}}},
	})
	add(frame, err)
	frame, _, err = AppendReports(nil, h, 1, []Report{done, TaskFailed{Err: &rdd.FetchError{Err: ErrFrame}}, Fetched{}, Published{Retired: []string{"x"}}})
	add(frame, err)
	frame, err = AppendHello(nil, Hello{Held: []StateRef{{Step: "s", Base: Frame{"s", 1, 2}}}})
	add(frame, err)
	frame, err = AppendAttach(nil, Attach{Job: "j"})
	add(frame, err)
	frame, err = AppendRefusal(nil, &DigestError{"a", "b"})
	add(frame, err)
	for _, frame := range frames {
		f.Add(frame[3], frame[frameHead:])
	}
	f.Fuzz(func(t *testing.T, k byte, body []byte) {
		frame := sealed(kind(k), body) // a checksum does not keep a forger out
		var r Reader
		if _, ms, err := r.Messages(frame, h); err == nil {
			if _, _, err := AppendMessages(nil, h, 1, ms); err != nil {
				t.Errorf("read and not written: %v", err)
			}
		}
		if _, rs, err := r.Reports(frame, h); err == nil {
			if _, _, err := AppendReports(nil, h, 1, rs); err != nil {
				t.Errorf("read and not written: %v", err)
			}
		}
		_, _ = r.Hello(frame)
		_, _ = r.Attach(frame)
		_, _ = r.Hello(body)
	})
}
