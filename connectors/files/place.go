package files

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/zeebo/xxh3"
)

// place is the source's offsets.
type place struct {
	Total int64    `json:"total"`           // bytes that were planned, of all files
	Mark  int64    `json:"mark"`            // modification time of the newest file that was read
	Seen  int64    `json:"seen"`            // newest ctime of a file that was there
	Read  hashes   `json:"read,omitempty"`  // of the names that were read and may be met again
	File  *partial `json:"file,omitempty"`  // the one that was read in part
	Until *moment  `json:"until,omitempty"` // bounded: the last file that counts
}

// partial is how far a file was read.
type partial struct {
	Name  string `json:"name"`
	Size  int64  `json:"size"`
	Mtime int64  `json:"mtime"`
	At    int64  `json:"at"`
	Line  int64  `json:"line"`
}

// moment is a place in the order of files.
type moment struct {
	Mtime int64  `json:"mtime"`
	Name  string `json:"name"`
}

// hashes is a sorted set of xxh3 hashes of names. Two of a million names share one with a probability of 3 in 10⁸.
type hashes []uint64

// MarshalJSON writes 8 bytes a hash, in base64.
func (h hashes) MarshalJSON() ([]byte, error) {
	var b []byte
	for _, v := range h {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return json.Marshal(b)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (h *hashes) UnmarshalJSON(text []byte) error {
	var b []byte
	if err := json.Unmarshal(text, &b); err != nil {
		return err
	}
	for ; len(b) >= 8; b = b[8:] {
		*h = append(*h, binary.LittleEndian.Uint64(b))
	}
	return nil
}

func parsePlace(from dstream.Offsets) (place, error) {
	var at place
	if len(from) == 0 {
		return at, nil
	}
	if err := json.Unmarshal(from, &at); err != nil {
		return at, fmt.Errorf("files: offsets %.100q are not of this source", from)
	}
	return at, nil
}

// horizon is the modification time below which files are taken as read.
func (p *place) horizon(age time.Duration) int64 {
	if p.Mark == 0 {
		return 0
	}
	return p.Mark - int64(age)
}

// todo is the files that were not read, the one that was read in part first.
func (p *place) todo(there []file, age time.Duration) ([]file, error) {
	var out []file
	if p.File != nil {
		f, err := p.File.find(there)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	for _, f := range there {
		switch {
		case p.File != nil && f.name == p.File.Name:
		case p.has(f.name):
		case f.mtime >= p.horizon(age):
			out = append(out, f)
		case f.ctime > p.Seen && p.Seen > 0:
			return nil, fmt.Errorf("file %s arrived, or was changed, after files that are more than %s younger were read: touch it if its rows are new, move it away if they were read", f.name, age)
		}
	}
	return out, nil
}

// find is the file that was read in part. It has to be as it was.
func (p *partial) find(there []file) (file, error) {
	i := slices.IndexFunc(there, func(f file) bool { return f.name == p.Name })
	if i < 0 {
		return file{}, fmt.Errorf("file %s has vanished after byte %d of %d: put it back, or start over with a fresh checkpoint", p.Name, p.At, p.Size)
	}
	return there[i], unchanged(there[i], p.Size, p.Mtime)
}

func unchanged(f file, size, mtime int64) error {
	if f.size != size || f.mtime != mtime {
		return fmt.Errorf("file %s has changed since it was planned: it had %d bytes of %s and now has %d of %s; files must not change once they have their name: put it back as it was, or start over with a fresh checkpoint",
			f.name, size, clock(mtime), f.size, clock(f.mtime))
	}
	return nil
}

func clock(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }

func (p *place) has(name string) bool {
	_, found := slices.BinarySearch(p.Read, xxh3.HashString(name))
	return found
}

// finish notes that all of a file was planned.
func (p *place) finish(f file) {
	p.File = nil
	p.Mark = max(p.Mark, f.mtime)
	h := xxh3.HashString(f.name)
	if i, found := slices.BinarySearch(p.Read, h); !found {
		p.Read = slices.Insert(p.Read, i, h)
	}
}

// hold keeps the horizon below files that wait: an older one may have arrived while a younger one was read in parts.
func (p *place) hold(waiting []file, age time.Duration) {
	for _, f := range waiting {
		if f.mtime < p.horizon(age) {
			p.Mark = f.mtime + int64(age)
		}
	}
}

// forget drops what cannot be met again, or is too old to be told from what was read.
func (p *place) forget(there []file, age time.Duration) {
	var keep hashes
	for _, f := range there {
		p.Seen = max(p.Seen, f.ctime)
		if p.has(f.name) && f.mtime >= p.horizon(age) {
			keep = append(keep, xxh3.HashString(f.name))
		}
	}
	slices.Sort(keep)
	p.Read = keep
}

// last is the end of the order of files; one that none is after if there are none.
func last(there []file) *moment {
	if len(there) == 0 {
		return &moment{}
	}
	f := there[len(there)-1]
	return &moment{f.mtime, f.name}
}
