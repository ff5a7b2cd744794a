package socket

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/tidemill/tidemill/connectors/internal/publish"
	"github.com/tidemill/tidemill/dstream"
)

// files is the log of a source in a folder of this machine. Its Positions are places in decimal.
type files struct {
	dir  string
	size int64 // payload bytes after which a segment is full
}

// Open opens the log; from must lie in it, since what comes before it was handed out.
func (f files) Open(_ context.Context, from dstream.Offsets) (dstream.JournalWriter, error) {
	need, err := f.Place(from)
	if err != nil {
		return nil, err
	}
	j, err := openJournal(f.dir, f.size, need)
	if err != nil {
		return nil, err // and not j, which would be a nil pointer in an interface
	}
	return j, nil
}

// Place reads a Position.
func (files) Place(from dstream.Offsets) (int64, error) {
	if len(from) == 0 {
		return 0, nil
	}
	at, err := strconv.ParseInt(string(from), 10, 64)
	if err != nil || at < 0 {
		return 0, fmt.Errorf("offsets %.100q are not those of a log in a folder: start over with --fresh", from)
	}
	return at, nil
}

// Read walks over a range.
func (f files) Read(_ context.Context, s dstream.Split, each func(dstream.JournalRecord) (bool, error)) error {
	return walk(f.dir, s.From, s.To, func(f frame, at int64) (bool, error) {
		return each(dstream.JournalRecord{At: at, Payload: f.payload, Cut: f.long})
	})
}

// journal is the log of what was received. Places in it count payload bytes from the first ever received. It consists of
// segments, files that are named after the place at which they start. One goroutine appends; all methods are safe for
// concurrent use.
type journal struct {
	dir  string
	size int64 // payload bytes after which a segment is full

	mu      sync.Mutex // guards the rest
	file    *os.File   // the last segment
	start   int64      // of it
	end     int64      // of all that was appended
	kept    int64      // start of the first segment
	scratch []byte
}

// openJournal opens the log of a folder, and cuts off what a crash has left unfinished at its end. need is a place that it
// must reach: what comes before it was handed out.
func openJournal(dir string, size, need int64) (*journal, error) {
	if err := publish.Folder(dir); err != nil {
		return nil, err
	}
	starts, err := segments(dir)
	if err != nil {
		return nil, err
	}
	j := &journal{dir: dir, size: size}
	if len(starts) == 0 {
		if need > 0 {
			return nil, fmt.Errorf("the log in %s is gone, of which %d bytes were read: put it back, or start over with a fresh checkpoint", dir, need)
		}
		return j, j.create(0)
	}
	j.kept, j.start = starts[0], starts[len(starts)-1]
	return j, j.recover(need)
}

// recover finds the end of the last segment.
func (j *journal) recover(need int64) error {
	path := segmentPath(j.dir, j.start)
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	rest := content
	for j.end = j.start; ; {
		f, after, err := cutFrame(rest)
		if err != nil {
			break
		}
		rest = after
		j.end += int64(len(f.payload))
	}
	if j.end < need {
		return fmt.Errorf("the log in %s is damaged: it ends at byte %d, but was read up to %d: put it back, or start over with a fresh checkpoint", j.dir, j.end, need)
	}
	if j.file, err = os.OpenFile(path, os.O_WRONLY, 0); err != nil {
		return err
	}
	whole := int64(len(content) - len(rest))
	if err := j.file.Truncate(whole); err != nil {
		return err
	}
	_, err = j.file.Seek(whole, 0)
	return err
}

func (j *journal) create(start int64) error {
	f, err := os.OpenFile(segmentPath(j.dir, start), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	j.file, j.start = f, start
	return publish.SyncFolder(j.dir)
}

// Append adds a record. It is durable after the next Sync.
func (j *journal) Append(_ context.Context, payload []byte, long bool) error {
	var flag uint32
	if long {
		flag = overlong
	}
	return j.append(payload, flag)
}

func (j *journal) append(payload []byte, flag uint32) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.end-j.start >= j.size {
		if err := j.file.Sync(); err != nil {
			return err
		}
		if err := j.file.Close(); err != nil {
			return err
		}
		if err := j.create(j.end); err != nil {
			return err
		}
	}
	j.scratch = appendFrame(j.scratch[:0], payload, flag)
	if _, err := j.file.Write(j.scratch); err != nil {
		return err
	}
	j.end += int64(len(payload))
	return nil
}

// Sync makes all that was appended durable and returns where it starts and ends.
func (j *journal) Sync(context.Context) (kept, end int64, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.kept, j.end, j.file.Sync()
}

// Length is how many bytes lie in the log.
func (j *journal) Length() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.end - j.kept
}

// Position is a place in decimal.
func (j *journal) Position(at int64) dstream.Offsets { return strconv.AppendInt(nil, at, 10) }

// Body is empty: all is in the folder.
func (j *journal) Body(from, to int64) []byte { return nil }

// Remove deletes the segments that end at or before a place.
func (j *journal) Remove(_ context.Context, upTo dstream.Offsets) error {
	at, err := (files{}).Place(upTo)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	starts, err := segments(j.dir)
	if err != nil {
		return err
	}
	for i, s := range starts[:max(0, len(starts)-1)] {
		if starts[i+1] > at {
			break
		}
		if err := os.Remove(segmentPath(j.dir, s)); err != nil {
			return err
		}
		j.kept = starts[i+1]
	}
	return nil
}

// Close closes the last segment.
func (j *journal) Close() error { return j.close() }

func (j *journal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.file.Close()
}

const extension = ".log"

func segmentPath(dir string, start int64) string {
	return filepath.Join(dir, fmt.Sprintf("%016x%s", start, extension))
}

// segments returns where the segments of a folder start, in order.
func segments(dir string) ([]int64, error) {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return nil, err
	}
	var out []int64
	for _, e := range entries {
		digits, ok := strings.CutSuffix(e.Name(), extension)
		if start, err := strconv.ParseInt(digits, 16, 64); ok && err == nil {
			out = append(out, start)
		}
	}
	return out, nil
}

// walk calls each for the frames, or parts of frames, at places from … to−1 in order, until it returns false. What it is given
// is never written again.
func walk(dir string, from, to int64, each func(f frame, at int64) (bool, error)) error {
	starts, err := segments(dir)
	if err != nil {
		return err
	}
	at := from
	for i, start := range starts {
		if at >= to || i+1 < len(starts) && starts[i+1] <= at {
			continue
		}
		if start > at {
			break
		}
		more, err := walkSegment(dir, start, &at, to, each)
		if err != nil || !more {
			return err
		}
	}
	if at < to {
		return fmt.Errorf("the log in %s lacks bytes %d to %d, which were handed out: put it back, or start over with a fresh checkpoint", dir, at, to)
	}
	return nil
}

func walkSegment(dir string, start int64, at *int64, to int64, each func(f frame, at int64) (bool, error)) (bool, error) {
	content, err := os.ReadFile(segmentPath(dir, start))
	if err != nil {
		return false, err
	}
	for place := start; place < to && len(content) > 0; {
		f, rest, err := cutFrame(content)
		if err != nil {
			return false, fmt.Errorf("the log in %s is damaged at byte %d, which was handed out: %w", dir, place, err)
		}
		next := place + int64(len(f.payload))
		if next > *at {
			f.payload = f.payload[*at-place : min(next, to)-place]
			more, err := each(f, *at)
			if err != nil || !more {
				return false, err
			}
			*at = min(next, to)
		}
		content, place = rest, next
	}
	return true, nil
}
