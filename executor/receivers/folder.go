package receivers

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"sync"

	"github.com/tidemill/tidemill/dstream"
)

// claim says which driver has a log.
type claim struct {
	Incarnation int64 `json:"incarnation"`
	Epoch       int64 `json:"epoch"`
}

func (c claim) compare(o claim) int {
	return cmp.Or(cmp.Compare(c.Incarnation, o.Incarnation), cmp.Compare(c.Epoch, o.Epoch))
}

// folder is a log on a server. Its methods are called with mu held.
type folder struct {
	root *os.Root
	path string

	mu    sync.Mutex
	has   claim            // the highest; zero before it is read
	tails map[Segment]tail // of segments that were appended to, as far as they are known
}

// tail is how a segment's file ends.
type tail struct {
	opening
	end    int64 // place
	size   int64 // of the file, without what is torn
	sealed bool
}

const claimName = "claim"

func (f *folder) file(s Segment) string { return f.path + "/" + s.file(f.has.Incarnation) }

// claim takes the log for a driver, durably, or says that another one has it.
func (f *folder) claim(c claim) error {
	if f.has == (claim{}) {
		b, err := f.root.ReadFile(f.path + "/" + claimName)
		if err == nil {
			err = json.Unmarshal(b, &f.has)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("read who has the log %s: %w", f.path, err)
		}
	}
	switch c.compare(f.has) {
	case 0:
		return nil
	case -1:
		return fmt.Errorf("log %s: %w (incarnation %d, epoch %d; this is %d, %d)", f.path, ErrReplaced, f.has.Incarnation, f.has.Epoch, c.Incarnation, c.Epoch)
	}
	if err := f.write(c); err != nil {
		return fmt.Errorf("claim the log %s: %w", f.path, err)
	}
	f.has = c
	clear(f.tails)
	return f.clean()
}

func (f *folder) write(c claim) error {
	if err := f.root.MkdirAll(f.path, 0o700); err != nil {
		return err
	}
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	name := f.path + "/" + claimName
	file, err := f.root.OpenFile(name+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(b)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := f.root.Rename(name+".new", name); err != nil {
		return err
	}
	return f.sync()
}

// sync makes the names in the folder durable, and those of the folders that it is in.
func (f *folder) sync() error {
	for _, name := range []string{f.path, path.Dir(f.path), "."} {
		d, err := f.root.Open(name)
		if err != nil {
			return err
		}
		if err := errors.Join(d.Sync(), d.Close()); err != nil {
			return err
		}
	}
	return nil
}

// clean removes segments of earlier incarnations.
func (f *folder) clean() error {
	names, err := f.names()
	for _, n := range names {
		if incarnation, _, ok := parseFile(n); ok && incarnation < f.has.Incarnation {
			err = errors.Join(err, f.root.Remove(f.path+"/"+n))
		}
	}
	return err
}

// names are those of the files, in order.
func (f *folder) names() ([]string, error) {
	d, err := f.root.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

// list reads all segments through: what a disk has lost shows here.
func (f *folder) list() (out []held, err error) {
	names, err := f.names()
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		incarnation, s, ok := parseFile(n)
		if !ok || incarnation != f.has.Incarnation {
			continue
		}
		t, err := f.scan(s)
		if err != nil {
			continue // not even its opening is whole: nothing was acknowledged, or it is lost here
		}
		f.tails[s] = t
		out = append(out, held{s, t.Start, t.Until, t.end, t.sealed})
	}
	return out, nil
}

// scan finds where the whole records of a segment end.
func (f *folder) scan(s Segment) (t tail, err error) {
	file, err := f.root.Open(f.file(s))
	if err != nil {
		return t, err
	}
	defer file.Close()
	var w walk
	if err := w.begin(file); err != nil {
		return t, err
	}
	for !t.sealed {
		r, err := w.next()
		if err != nil {
			break
		}
		t.sealed = len(r.Payload) == 0
	}
	t.opening, t.end, t.size = w.opening, w.at, w.whole
	return t, nil
}

// tail is that of a segment, which it reads if it is not known.
func (f *folder) tail(s Segment) (tail, error) {
	if t, ok := f.tails[s]; ok {
		return t, nil
	}
	t, err := f.scan(s)
	if errors.Is(err, fs.ErrNotExist) {
		return t, err
	}
	if err != nil {
		return t, fmt.Errorf("segment %v of %s: %w: %w", s, f.path, ErrPlace, err)
	}
	f.tails[s] = t
	return t, nil
}

// append adds frames with n bytes of payload, and makes them durable.
func (f *folder) append(q request, frames []byte, n int64) error {
	t, err := f.tail(q.Segment)
	flags := os.O_WRONLY
	if errors.Is(err, fs.ErrNotExist) {
		if t, frames, err = f.begin(q, frames); err == nil {
			flags |= os.O_CREATE | os.O_EXCL
		}
	}
	if err != nil {
		return err
	}
	if t.sealed || t.end != q.From || t.Start != q.Start {
		return fmt.Errorf("segment %v of %s: %w: it ends at byte %d (sealed: %v), and byte %d was to come", q.Segment, f.path, ErrPlace, t.end, t.sealed, q.From)
	}
	if t.size+int64(len(frames)) > maxSegment {
		return fmt.Errorf("segment %v of %s: %w: it would be larger than %d bytes", q.Segment, f.path, ErrRoom, maxSegment)
	}
	delete(f.tails, q.Segment) // not known until it is synced
	if err := f.put(q.Segment, flags, t.size, frames); err != nil {
		return fmt.Errorf("segment %v of %s: %w", q.Segment, f.path, err)
	}
	t.end, t.size = t.end+n, t.size+int64(len(frames))
	f.tails[q.Segment] = t
	return nil
}

// begin puts the opening of a new segment before its first frames.
func (f *folder) begin(q request, frames []byte) (tail, []byte, error) {
	names, err := f.names()
	if err == nil && len(names) > maxSegments {
		err = fmt.Errorf("log %s: %w: it has %d segments", f.path, ErrRoom, maxSegments)
	}
	o := opening{q.Start, q.Until}
	first, failed := json.Marshal(o)
	return tail{opening: o, end: o.Start}, append(dstream.AppendFrame(nil, first, false), frames...), errors.Join(err, failed)
}

// put writes frames at the end of a file, in place of what is torn there.
func (f *folder) put(s Segment, flags int, at int64, frames []byte) (err error) {
	file, err := f.root.OpenFile(f.file(s), flags, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if flags&os.O_EXCL == 0 {
		if err := file.Truncate(at); err != nil {
			return err
		}
	}
	if _, err := file.WriteAt(frames, at); err != nil {
		return err
	}
	if err := file.Sync(); err != nil || flags&os.O_EXCL == 0 {
		return err
	}
	return f.sync()
}

// seal ends a segment at a place, which must be the end of a record. It cuts off what comes after it.
func (f *folder) seal(s Segment, at int64) error {
	file, err := f.root.Open(f.file(s))
	if err != nil {
		return fmt.Errorf("segment %v of %s: %w: %w", s, f.path, ErrGone, err)
	}
	defer file.Close()
	var w walk
	for err = w.begin(file); err == nil && w.at < at; {
		_, err = w.next()
		if len(w.frame) == dstream.FrameHead {
			break
		}
	}
	if err != nil || w.at != at {
		return fmt.Errorf("segment %v of %s: %w: there is no record that ends at byte %d", s, f.path, ErrPlace, at)
	}
	delete(f.tails, s)
	return f.put(s, os.O_WRONLY, w.whole, dstream.AppendFrame(nil, nil, false))
}
