package wire

import (
	"fmt"
	"time"

	"github.com/tidemill/tidemill/dstream"
)

// The first byte of each report. Numbers are never reused.
const (
	tagTaskDone byte = iota + 1
	tagTaskFailed
	tagRefused
	tagPublished
	tagPublishFailed
	tagFetched
	tagRestored
	tagWaiting
)

func appendReport(b []byte, r Report) ([]byte, error) {
	switch r := r.(type) {
	case TaskDone:
		return appendTaskDone(b, r), nil
	case TaskFailed:
		b = appendError(appendTask(append(b, tagTaskFailed), r.Task), r.Err)
		return appendInt(b, int64(r.Busy)), nil
	case Refused:
		return appendError(appendID(appendInt(append(b, tagRefused), r.Batch), r.Program), r.Err), nil
	case Published:
		b = appendID(appendInt(append(b, tagPublished), r.Batch), r.Round)
		b = appendAll(appendAll(b, r.Receipts, appendReceipt), r.States, appendStateRef)
		return appendAll(b, r.Retired, appendText), nil
	case PublishFailed:
		return appendError(appendID(appendInt(append(b, tagPublishFailed), r.Batch), r.Round), r.Err), nil
	case Fetched:
		return appendFetched(b, r), nil
	case Restored:
		return appendError(appendInt(appendStateRef(append(b, tagRestored), r.State), r.Keys), r.Err), nil
	case Waiting:
		b = appendText(appendInt(append(b, tagWaiting), r.ID), r.For)
		return appendBool(b, r.Over), nil
	}
	return b, fmt.Errorf("bug: no encoding for reports of type %T", r)
}

func readReport(d *decoder) Report {
	switch tag := d.byte(); tag {
	case tagTaskDone:
		return readTaskDone(d)
	case tagTaskFailed:
		return TaskFailed{Task: readTask(d), Err: readError(d), Busy: time.Duration(d.int64())}
	case tagRefused:
		return Refused{Batch: d.int64(), Program: d.id(), Err: readError(d)}
	case tagPublished:
		return Published{
			Batch: d.int64(), Round: d.id(), Receipts: readAll(d, leastReceipt, readReceipt),
			States: readAll(d, leastStateRef, readStateRef), Retired: readAll(d, 1, (*decoder).text),
		}
	case tagPublishFailed:
		return PublishFailed{Batch: d.int64(), Round: d.id(), Err: readError(d)}
	case tagFetched:
		return readFetched(d)
	case tagRestored:
		return Restored{State: readStateRef(d), Keys: d.int(), Err: readError(d)}
	case tagWaiting:
		return Waiting{ID: d.int64(), For: d.text(), Over: d.bool()}
	default:
		d.fail("no report has the number %d", tag)
		return nil
	}
}

// appendFetched says so in the report if the chunks cannot be encoded: the action that waits for them must end.
func appendFetched(b []byte, r Fetched) []byte {
	b = appendAll(appendID(appendInt(append(b, tagFetched), r.Batch), r.Program), r.Partitions, appendID)
	if with, err := appendLists(b, r.Chunks); err == nil {
		return appendError(with, r.Err)
	} else if r.Err == nil {
		r.Err = dstream.Permanent(err)
	}
	return appendError(append(b, 0), r.Err)
}

func readFetched(d *decoder) Report {
	r := Fetched{Batch: d.int64(), Program: d.id(), Partitions: readAll(d, 1, (*decoder).id), Chunks: readAll(d, 1, readChunks), Err: readError(d)}
	if len(r.Chunks) > len(r.Partitions) {
		d.fail("chunks of %d partitions where %d are named", len(r.Chunks), len(r.Partitions))
	}
	return r
}

func appendReceipt(b []byte, r SinkReceipt) []byte {
	b = appendID(appendID(appendText(b, r.Sink), r.Partition), r.Partitions)
	b = appendInt(appendInt(b, r.Offered), r.Receipt.Rows)
	return appendInt(appendBytes(b, r.Receipt.Body), int64(r.Busy))
}

func readReceipt(d *decoder) SinkReceipt {
	return SinkReceipt{
		Sink: d.text(), Partition: d.id(), Partitions: d.id(), Offered: d.int64(),
		Receipt: dstream.Receipt{Rows: d.int64(), Body: d.bytes()}, Busy: time.Duration(d.int64()),
	}
}
