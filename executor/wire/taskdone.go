package wire

import (
	"encoding/binary"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

// A TaskDone comes for every task: there is no reflection in it, and its names are made once a stream.

func appendTaskDone(b []byte, r TaskDone) []byte {
	b = appendTask(append(b, tagTaskDone), r.Task)
	b = appendCounts(b, r.Counts)
	b = appendMap(b, r.Notes, appendText, func(b []byte, splits map[string]int64) []byte {
		return appendMap(b, splits, appendText, appendInt)
	})
	b = appendMap(b, r.Splits, appendText, func(b []byte, c dstream.SplitCount) []byte {
		return appendInt(appendInt(appendInt(b, c.Fetched), c.Delivered), c.Rejected)
	})
	b = appendMap(b, r.Steps, appendText, func(b []byte, s StepSize) []byte {
		return appendInt(appendInt(appendInt(b, s.Touched), s.Keys), s.Bytes)
	})
	return appendInt(appendInt(b, r.Spilled), int64(r.Busy))
}

func readTaskDone(d *decoder) Report {
	return TaskDone{
		Task: readTask(d), Counts: readCounts(d),
		Notes: readMap(d, 2, (*decoder).text, func(d *decoder) map[string]int64 {
			return readMap(d, 2, (*decoder).text, (*decoder).int64)
		}),
		Splits: readMap(d, 4, (*decoder).text, func(d *decoder) dstream.SplitCount {
			return dstream.SplitCount{Fetched: d.int64(), Delivered: d.int64(), Rejected: d.int64()}
		}),
		Steps: readMap(d, 4, (*decoder).text, func(d *decoder) StepSize {
			return StepSize{Touched: d.int(), Keys: d.int(), Bytes: d.int64()}
		}),
		Spilled: d.int64(), Busy: time.Duration(d.int64()),
	}
}

func appendCounts(b []byte, c rdd.Counts) []byte {
	b = appendInt(appendInt(b, c.In), c.Out)
	b = appendAll(b, c.Sent, appendInt)
	b = appendAll(b, c.Digests, binary.LittleEndian.AppendUint64)
	b = appendMap(b, c.Received, appendBlock, appendInt)
	b = appendMap(b, c.Folded, appendText, func(b []byte, f rdd.Folded) []byte {
		return appendInt(appendInt(appendInt(b, f.Rows), f.Accepted), f.Late)
	})
	return appendInt(b, c.Bytes)
}

func readCounts(d *decoder) rdd.Counts {
	return rdd.Counts{
		In: d.int64(), Out: d.int64(), Sent: readAll(d, 1, (*decoder).int64), Digests: readAll(d, 8, (*decoder).fixed64),
		Received: readMap(d, 5, readBlock, (*decoder).int64),
		Folded: readMap(d, 4, (*decoder).text, func(d *decoder) rdd.Folded {
			return rdd.Folded{Rows: d.int64(), Accepted: d.int64(), Late: d.int64()}
		}),
		Bytes: d.int64(),
	}
}
