package batchlog

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/tidemill/tidemill/driver/store"
)

const folder = "log"

// segmentName is segment k of an epoch. Names sort as they were written.
type segmentName struct {
	epoch store.Epoch
	k     int
}

func (n segmentName) file() string      { return fmt.Sprintf("%s/%08d.%06d.log", folder, n.epoch, n.k) }
func (n segmentName) next() segmentName { return segmentName{n.epoch, n.k + 1} }

func (n segmentName) before(o segmentName) bool {
	return n.epoch < o.epoch || n.epoch == o.epoch && n.k < o.k
}

func parseSegmentName(file string) (n segmentName, ok bool) {
	_, err := fmt.Sscanf(path.Base(file), "%d.%d.log", &n.epoch, &n.k)
	return n, err == nil && n.file() == file
}

func manifestFile(e store.Epoch) string { return fmt.Sprintf("%s/%08d.manifest", folder, e) }

func parseManifestName(file string) (e store.Epoch, ok bool) {
	_, err := fmt.Sscanf(path.Base(file), "%d.manifest", &e)
	return e, err == nil && manifestFile(e) == file
}

// tornFile names the copy of the torn tail of a segment; it goes with it.
func tornFile(n segmentName, e store.Epoch) string { return fmt.Sprintf("%s.torn-%d", n.file(), e) }

func parseTornName(file string) (n segmentName, ok bool) {
	seg, _, found := strings.Cut(file, ".torn-")
	n, ok = parseSegmentName(seg)
	return n, ok && found
}

// segment is one live file of the log.
type segment struct {
	name  segmentName
	last  Batch // highest batch it has news of
	empty bool  // no news at all: only its head
}

func (s *segment) saw(r Record) {
	if r.Type >= Note {
		return // its number is the caller's business; it goes with its neighbours
	}
	if s.empty || r.Batch > s.last {
		s.last, s.empty = r.Batch, false
	}
}

// head is the payload of a SEGMENT record. It seals the segment before: only
// its first Length bytes count. Their digest is the record's prev.
type head struct {
	Prev   string `json:"prev"` // file, "" for the first segment of a checkpoint
	Length int64  `json:"length"`
	// What life was, together with the copies that follow.
	Started bool  `json:"started"`
	Next    Batch `json:"next"`
	Copies  int   `json:"copies"`
}

// encodeHead returns the first bytes of a segment and the digest of their last
// record.
func encodeHead(e store.Epoch, h head, f life, prev digest) ([]byte, digest, error) {
	var copies []Record
	if f.commit != nil {
		copies = append(copies, *f.commit)
	}
	copies = append(copies, f.open...)
	h.Started, h.Next, h.Copies = f.started, f.next, len(copies)
	payload, err := json.Marshal(h)
	if err != nil {
		return nil, prev, fmt.Errorf("encode the head of a log segment: %w", err)
	}
	b := appendRecord(nil, 0, header{typ: segmentType, epoch: e, prev: prev}, payload)
	prev = digestOf(b)
	for _, r := range copies {
		at := len(b)
		b = appendRecord(b, int64(at), header{typ: r.Type, flags: flagCopy, epoch: e, batch: r.Batch, prev: prev}, r.Payload)
		prev = digestOf(b[at:])
	}
	return b, prev, nil
}

// manifest names the ends of the chain, so that a lost file at either end is
// noticed. Each epoch has its own: a zombie's last one harms nobody.
type manifest struct {
	First string `json:"first"` // oldest live segment; older ones are leftovers
	Last  string `json:"last"`  // newest segment when it was written
}

func encodeManifest(e store.Epoch, m manifest) ([]byte, error) {
	payload, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode the log's manifest: %w", err)
	}
	return appendRecord(nil, 0, header{typ: manifestType, epoch: e}, payload), nil
}
