package executor

import (
	"errors"

	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd"
)

// here is the number of a block's holder when it is this worker.
const here = -2

// nobody holds a block: it has to be made again.
const nobody = -1

// outputs is what a worker knows of where the outputs of the batch at hand lie. What nobody told it lies here: in local mode nobody does.
type outputs struct {
	peers []wire.Peer // by number
	self  uint64      // incarnation of this worker; 0 in local mode
	of    map[stageAt]*wire.Outputs
}

type stageAt struct{ program, stage int }

// told takes what a Launch says of where outputs lie.
func (o *outputs) told(all []*wire.Outputs) {
	for _, s := range all {
		o.of[stageAt{s.Program, s.Stage}] = s
	}
}

// at is the holder of a partition's output and the attempt that counts; ok is false if nobody told.
func (o *outputs) at(b rdd.Block) (at wire.OutputAt, ok bool) {
	s := o.of[stageAt{b.Program, b.Stage}]
	if s == nil || b.Partition >= len(s.At) {
		return wire.OutputAt{Peer: here}, false
	}
	at = s.At[b.Partition]
	if at.Peer >= 0 && int(at.Peer) < len(o.peers) && o.peers[at.Peer].Incarnation == o.self {
		at.Peer = here
	}
	return at, true
}

// width is the number of partitions of a stage, as far as it is known.
func (o *outputs) width(b rdd.Block) int {
	if s := o.of[stageAt{b.Program, b.Stage}]; s != nil {
		return len(s.At)
	}
	return 0
}

var errNobody = errors.New("nobody holds it now")
