package wire

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/tidemill/tidemill/dstream"
)

// The first byte of each message. Numbers are never reused.
const (
	tagBegin byte = iota + 1
	tagAction
	tagLaunch
	tagPeers
	tagRestore
	tagRelease
	tagCancel
	tagGrant
	tagCommit
	tagAbort
	tagFetch
)

func appendMessage(b []byte, m Message) ([]byte, error) {
	switch m := m.(type) {
	case Launch:
		return appendLaunch(b, m)
	case Encoded:
		return append(b, m.body...), nil
	case Begin:
		return appendBegin(b, m)
	case Action:
		return appendAction(b, m)
	case Peers:
		b = appendInt(append(b, tagPeers), m.Epoch)
		return appendAll(appendID(b, m.From), m.Peers, appendPeer), nil
	case Restore:
		return appendAll(appendInt(append(b, tagRestore), m.Epoch), m.States, appendStateRef), nil
	case Release:
		return appendAll(appendInt(append(b, tagRelease), m.Epoch), m.States, appendStateRef), nil
	case Cancel:
		return appendAll(appendInt(append(b, tagCancel), m.Epoch), m.Tasks, appendTask), nil
	case Grant:
		b = appendID(appendInt(appendInt(append(b, tagGrant), m.Epoch), m.Batch), m.Round)
		return appendAll(b, m.Tasks, appendTask), nil
	case Commit:
		return appendInt(appendInt(append(b, tagCommit), m.Epoch), m.Batch), nil
	case Abort:
		return appendInt(appendInt(append(b, tagAbort), m.Epoch), m.Batch), nil
	case Fetch:
		b = appendInt(appendInt(append(b, tagFetch), m.Epoch), m.Batch)
		return appendAll(appendID(appendID(b, m.Program), m.Stage), m.Partitions, appendID), nil
	}
	return b, fmt.Errorf("bug: no encoding for messages of type %T", m)
}

func readMessage(d *decoder) Message {
	switch tag := d.byte(); tag {
	case tagBegin:
		return readBegin(d)
	case tagAction:
		return readAction(d)
	case tagLaunch:
		return Launch{
			Epoch: d.int64(), Tasks: readAll(d, leastTask, readTask), Outputs: readAll(d, leastOutputs, readOutputs),
			States: readAll(d, leastStateRef, readStateRef),
		}
	case tagPeers:
		return Peers{Epoch: d.int64(), From: d.id(), Peers: readAll(d, leastPeer, readPeer)}
	case tagRestore:
		return Restore{Epoch: d.int64(), States: readAll(d, leastStateRef, readStateRef)}
	case tagRelease:
		return Release{Epoch: d.int64(), States: readAll(d, leastStateRef, readStateRef)}
	case tagCancel:
		return Cancel{Epoch: d.int64(), Tasks: readAll(d, leastTask, readTask)}
	case tagGrant:
		return Grant{Epoch: d.int64(), Batch: d.int64(), Round: d.id(), Tasks: readAll(d, leastTask, readTask)}
	case tagCommit:
		return Commit{Epoch: d.int64(), Batch: d.int64()}
	case tagAbort:
		return Abort{Epoch: d.int64(), Batch: d.int64()}
	case tagFetch:
		return Fetch{Epoch: d.int64(), Batch: d.int64(), Program: d.id(), Stage: d.id(), Partitions: readAll(d, 1, (*decoder).id)}
	default:
		d.fail("no message has the number %d", tag)
		return nil
	}
}

// appendBegin writes the plan as JSON, as it stands in the batch log: it comes once a batch, and has maps in maps.
func appendBegin(b []byte, m Begin) ([]byte, error) {
	if m.Plan == nil {
		return b, errNoPlan
	}
	plan, err := json.Marshal(m.Plan)
	if err != nil {
		return b, err
	}
	b = appendBytes(appendInt(append(b, tagBegin), m.Epoch), plan)
	b = appendMap(b, m.Marks, appendText, appendInt)
	return appendMap(b, m.Prev, appendText, appendInt), nil
}

func readBegin(d *decoder) Message {
	m := Begin{Epoch: d.int64(), Plan: &dstream.Plan{}}
	readJSON(d, m.Plan)
	m.Marks = readMap(d, 2, (*decoder).text, (*decoder).int64)
	m.Prev = readMap(d, 2, (*decoder).text, (*decoder).int64)
	return m
}

// readJSON decodes what is rare and has a form in JSON.
func readJSON(d *decoder, to any) {
	raw := d.raw()
	d.charge(8 * len(raw))
	if d.err != nil {
		return
	}
	if err := json.Unmarshal(raw, to); err != nil {
		d.fail("%T: %w", to, err)
	}
}

func appendAction(b []byte, m Action) ([]byte, error) {
	b = appendInt(appendInt(append(b, tagAction), m.Epoch), m.Batch)
	b = appendText(appendID(appendID(appendID(b, m.Program), m.Body), m.Index), m.Digest)
	return appendLists(b, m.Recorded)
}

func readAction(d *decoder) Message {
	return Action{
		Epoch: d.int64(), Batch: d.int64(), Program: d.id(), Body: d.id(), Index: d.id(), Digest: d.text(),
		Recorded: readAll(d, 1, readChunks),
	}
}

func appendLaunch(b []byte, m Launch) ([]byte, error) {
	b = appendAll(appendInt(append(b, tagLaunch), m.Epoch), m.Tasks, appendTask)
	b = appendAll(b, m.Outputs, appendOutputs)
	return appendAll(b, m.States, appendStateRef), nil
}

// appendOutputs copies what it encoded before: the same Outputs go to every worker that runs a child of the stage.
func appendOutputs(b []byte, o *Outputs) []byte {
	if known := o.encoded.Load(); known != nil {
		return append(b, *known...)
	}
	body := appendID(appendID(nil, o.Program), o.Stage)
	body = appendAll(body, o.At, func(b []byte, at OutputAt) []byte {
		attempt := uint64(at.Attempt) << 1
		if at.Empty {
			attempt |= 1
		}
		return binary.AppendUvarint(appendID(b, at.Peer+1), attempt)
	})
	o.encoded.Store(&body)
	return append(b, body...)
}

func readOutputs(d *decoder) *Outputs {
	d.charge(64)
	return &Outputs{Program: d.id(), Stage: d.id(), At: readAll(d, leastOutputAt, func(d *decoder) OutputAt {
		at := OutputAt{Peer: int32(d.id() - 1)}
		attempt := d.uvarint()
		if attempt>>1 > 1<<31-1 {
			d.fail("attempt %d of a task", attempt>>1)
		}
		at.Attempt, at.Empty = int32(attempt>>1), attempt&1 != 0
		return at
	})}
}

func appendPeer(b []byte, p Peer) []byte {
	return appendText(binary.LittleEndian.AppendUint64(appendText(b, p.Worker), p.Incarnation), p.Address)
}

func readPeer(d *decoder) Peer {
	return Peer{Worker: d.text(), Incarnation: d.fixed64(), Address: d.text()}
}
