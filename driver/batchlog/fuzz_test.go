package batchlog

import (
	"bytes"
	"testing"

	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/driver/store/crashfs"
)

// soleDriver is a fence that nobody takes over.
type soleDriver store.Epoch

func (e soleDriver) Epoch() store.Epoch { return store.Epoch(e) }
func (soleDriver) Check() error         { return nil }

func fuzzStore(t testing.TB, fsys store.FS) store.Store {
	st, err := store.OpenDir("/ck", store.DirOptions{FS: fsys})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// sample returns the bytes of a segment and of a manifest.
func sample(f *testing.F) (segment, manifest []byte) {
	fsys := crashfs.New()
	l, _, err := Open(fuzzStore(f, fsys), soleDriver(1), Options{})
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range []Record{{Plan, 3, 0, []byte("p")}, {Commit, 3, 0, []byte("c")}, {Plan, 4, 0, nil}, {Note, 1, 0, []byte("note")}} {
		if err := l.AppendAll(r); err != nil {
			f.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		f.Fatal(err)
	}
	return fsys.Bytes(segmentName{epoch: 1}.file()), fsys.Bytes(manifestFile(1))
}

// Any bytes as a record are refused or are exactly the encoding of what they
// decode to.
func FuzzRecord(f *testing.F) {
	seg, man := sample(f)
	f.Add(seg, int64(0))
	f.Add(man, int64(0))
	f.Add([]byte{}, int64(7))
	f.Fuzz(func(t *testing.T, b []byte, off int64) {
		off &= 1<<40 - 1
		h, err := parseHeader(b, off, off+int64(len(b)))
		if err != nil {
			return
		}
		rec := b[:headerSize+int(h.length)]
		if verify(rec, off) != nil {
			return
		}
		if again := appendRecord(nil, off, h, rec[headerSize:]); !bytes.Equal(again[12:], rec[12:]) && rec[14] == 0 && rec[15] == 0 {
			t.Errorf("%x decodes to %+v, which encodes to %x", rec, h, again)
		}
	})
}

// Any bytes as a segment, with the checksum of each record put right so that
// what is behind it is reached too, are refused or give a log that can be
// opened, written and opened again.
func FuzzSegment(f *testing.F) {
	seg, man := sample(f)
	f.Add(seg, man, true)
	f.Add(seg[:len(seg)-9], man, false)
	f.Add(append(bytes.Clone(seg), make([]byte, 99)...), []byte{}, true)
	f.Fuzz(func(t *testing.T, seg, man []byte, fix bool) {
		if fix {
			seg, man = fixed(seg), fixed(man)
		}
		st := fuzzStore(t, crashfs.New())
		if err := store.WriteFile(st, segmentName{epoch: 1}.file(), seg); err != nil {
			t.Fatal(err)
		}
		if len(man) > 0 {
			if err := store.WriteFile(st, manifestFile(1), man); err != nil {
				t.Fatal(err)
			}
		}
		for range History(st) {
		}
		l, rec, err := Open(st, soleDriver(2), Options{})
		if err != nil {
			return
		}
		next := Record{Type: Plan, Batch: rec.Next}
		if len(rec.Open) > 0 {
			next = Record{Type: Commit, Batch: rec.Open[0].Batch}
		}
		if err := l.AppendAll(next); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(st); err != nil {
			t.Fatal(err)
		}
	})
}

// fixed puts the checksums of records and their chain right.
func fixed(b []byte) []byte {
	b = bytes.Clone(b)
	var prev digest
	for off := int64(0); off < int64(len(b)); {
		h, err := parseHeader(b[off:], off, int64(len(b)))
		if err != nil {
			break
		}
		rec := b[off:][:headerSize+int(h.length)]
		h.prev = prev
		copy(rec, appendRecord(nil, off, h, bytes.Clone(rec[headerSize:])))
		prev = digestOf(rec)
		off += int64(len(rec))
	}
	return b
}
