package tail

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Commit is a COMMIT that was seen.
type Commit struct {
	Batch int64     `json:"batch"`
	Epoch uint64    `json:"epoch"`
	At    time.Time `json:"at"` // when it was seen
}

// Tail is the follower of one log. It belongs to one goroutine.
type Tail struct {
	dir     string
	name    segment
	file    *os.File
	at      int64 // bytes of file that were taken
	buf     []byte
	planned int64 // the newest PLAN; a batch that is committed or aborted takes it back
	open    bool
	since   time.Time       // when planned was seen
	took    []time.Duration // from PLAN to COMMIT, of the last few batches
	commits []Commit
}

// remembered is how many batches Usual looks back.
const remembered = 15

// segment is the name of a file of the log, in the order of names.
type segment struct{ epoch, k uint64 }

func (s segment) before(o segment) bool { return s.epoch < o.epoch || s.epoch == o.epoch && s.k < o.k }

// Open starts at the beginning of the log in a checkpoint's folder, which need not be there yet.
func Open(checkpoint string) *Tail { return &Tail{dir: filepath.Join(checkpoint, "log")} }

// Planned is the batch that is planned and not committed, if there is one.
func (t *Tail) Planned() (batch int64, open bool) { return t.planned, t.open }

// Commits are those seen so far, oldest first. The caller must not change them.
func (t *Tail) Commits() []Commit { return t.commits }

// Last is the last batch committed; 0 if none was seen.
func (t *Tail) Last() int64 {
	if len(t.commits) == 0 {
		return 0
	}
	return t.commits[len(t.commits)-1].Batch
}

// Usual is the median time from PLAN to COMMIT of the last few batches; 0 if there were none.
func (t *Tail) Usual() time.Duration {
	if len(t.took) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(t.took))[len(t.took)/2]
}

// Epoch is that of the newest segment.
func (t *Tail) Epoch() uint64 { return t.name.epoch }

// Poll takes what was written since it was last called, as of now. An error is one of the file system: the log may lack anything.
func (t *Tail) Poll(now time.Time) error {
	for {
		if err := t.read(now); err != nil {
			return err
		}
		next, found, err := t.next()
		if err != nil || !found {
			return err
		}
		// What was appended to the old segment before it was sealed may have come between.
		if err := t.read(now); err != nil {
			return err
		}
		if err := t.switchTo(next); err != nil {
			return err
		}
	}
}

// Close closes the file at hand.
func (t *Tail) Close() error {
	if t.file == nil {
		return nil
	}
	return t.file.Close()
}

// next is the oldest segment after the one at hand.
func (t *Tail) next() (next segment, found bool, err error) {
	f, err := os.Open(t.dir)
	if errors.Is(err, os.ErrNotExist) {
		return next, false, nil
	}
	if err != nil {
		return next, false, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return next, false, err
	}
	for _, n := range names {
		var s segment
		if _, err := fmt.Sscanf(n, "%d.%d.log", &s.epoch, &s.k); err != nil || n != s.file() {
			continue
		}
		if (t.file == nil || t.name.before(s)) && (!found || s.before(next)) {
			next, found = s, true
		}
	}
	return next, found, nil
}

func (s segment) file() string { return fmt.Sprintf("%08d.%06d.log", s.epoch, s.k) }

func (t *Tail) switchTo(s segment) error {
	f, err := os.Open(filepath.Join(t.dir, s.file()))
	if err != nil {
		return err
	}
	if t.file != nil {
		t.file.Close()
	}
	t.file, t.name, t.at, t.open = f, s, 0, false // its head repeats the plan that is open
	return nil
}

// The form of a record, see driver/batchlog: all of it is little endian.
const (
	headerSize = 56
	maxPayload = 64 << 20
	flagCopy   = 1

	typePlan, typeAbort, typeCommit = 1, 2, 3
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// read takes the whole records behind what was taken. It stops at the first that is none: zeros, or one that is being written.
func (t *Tail) read(now time.Time) error {
	if t.file == nil {
		return nil
	}
	for {
		head, err := t.bytes(headerSize)
		if err != nil || head == nil || string(head[:4]) != "TMR1" {
			return err
		}
		length := int(binary.LittleEndian.Uint32(head[4:]))
		if length > maxPayload {
			return nil
		}
		record, err := t.bytes(headerSize + length)
		if err != nil || record == nil || binary.LittleEndian.Uint32(record[8:]) != t.checksum(record) {
			return err
		}
		t.take(record[12], record[13], int64(binary.LittleEndian.Uint64(record[24:])), now)
		t.at += int64(len(record))
	}
}

func (t *Tail) checksum(record []byte) uint32 {
	var at [8]byte
	binary.LittleEndian.PutUint64(at[:], uint64(t.at))
	c := crc32.Update(0, castagnoli, at[:])
	c = crc32.Update(c, castagnoli, record[:8])
	return crc32.Update(c, castagnoli, record[12:])
}

// bytes are the next n, nil if there are not as many.
func (t *Tail) bytes(n int) ([]byte, error) {
	if cap(t.buf) < n {
		t.buf = make([]byte, 2*n)
	}
	got, err := t.file.ReadAt(t.buf[:n], t.at)
	if got < n && errors.Is(err, io.EOF) {
		return nil, nil
	}
	if got < n {
		return nil, err
	}
	return t.buf[:n], nil
}

func (t *Tail) take(typ, flags byte, batch int64, now time.Time) {
	switch {
	case typ == typePlan:
		if batch != t.planned || !t.open { // else it is the copy in the head of a segment
			t.since = now
		}
		t.planned, t.open = batch, true
	case typ == typeAbort && batch == t.planned:
		t.open = false
	case typ == typeCommit:
		if batch == t.planned && t.open {
			t.open = false
			t.took = append(t.took[max(len(t.took)-remembered+1, 0):], now.Sub(t.since))
		}
		if flags&flagCopy == 0 || batch > t.Last() {
			t.commits = append(t.commits, Commit{batch, t.name.epoch, now})
		}
	}
}
