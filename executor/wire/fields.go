package wire

import "github.com/tidemill/tidemill/rdd"

// The least bytes that an encoded value has: what a count of them is held against.
const (
	leastTask     = 5
	leastFrame    = 3
	leastStateRef = 2 + leastFrame + 1
	leastPeer     = 1 + 8 + 1
	leastOutputs  = 3
	leastOutputAt = 2
	leastReceipt  = 7
)

func appendTask(b []byte, t rdd.TaskID) []byte {
	b = appendInt(b, t.Batch)
	b = appendID(appendID(b, t.Program), t.Stage)
	return appendID(appendID(b, t.Partition), t.Attempt)
}

func readTask(d *decoder) rdd.TaskID {
	return rdd.TaskID{Batch: d.int64(), Program: d.id(), Stage: d.id(), Partition: d.id(), Attempt: d.id()}
}

func appendBlock(b []byte, k rdd.Block) []byte {
	return appendID(appendID(appendID(appendID(b, k.Program), k.Stage), k.Partition), k.Bucket)
}

func readBlock(d *decoder) rdd.Block {
	return rdd.Block{Program: d.id(), Stage: d.id(), Partition: d.id(), Bucket: d.id()}
}

func appendStateRef(b []byte, r StateRef) []byte {
	b = appendID(appendText(b, r.Step), r.Partition)
	return appendAll(appendSegmentFrame(b, r.Base), r.Deltas, appendSegmentFrame)
}

func readStateRef(d *decoder) StateRef {
	return StateRef{Step: d.text(), Partition: d.id(), Base: readSegmentFrame(d), Deltas: readAll(d, leastFrame, readSegmentFrame)}
}

func appendSegmentFrame(b []byte, f Frame) []byte {
	return appendInt(appendInt(appendText(b, f.Segment), f.Offset), f.Length)
}

func readSegmentFrame(d *decoder) Frame {
	return Frame{Segment: d.text(), Offset: d.int64(), Length: d.int64()}
}
