package batchlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/tidemill/tidemill/driver/store"
)

// link is a segment in the chain, and where its successor seals it.
type link struct {
	name   segmentName
	length int64 // -1: the newest, not sealed
	end    digest
	prev   digest // at its start
}

// chain is a whole log, verified.
type chain struct {
	segs    []segment // oldest first
	size    int64     // good bytes of the last one
	durable int64     // of them, those that its last record says were synced
	prev    digest    // of the last record
	torn    []byte    // what follows the good bytes, zeros apart
	life    life
}

// load reads and verifies everything. An empty log gives an empty chain.
func load(st store.Store) (chain, error) {
	links, err := walk(st)
	if err != nil {
		return chain{}, err
	}
	var c chain
	for _, k := range links {
		if err := c.read(st, k); err != nil {
			return chain{}, err
		}
	}
	return c, nil
}

func (c *chain) read(st store.Store, k link) (err error) {
	s, r, err := openSegment(st, k.name, k.length)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	s.prev = k.prev
	seg := segment{name: k.name, empty: true}
	for {
		rec, isCopy, err := s.next()
		if err == io.EOF {
			break
		}
		if errors.As(err, new(errBad)) && k.length < 0 {
			if c.torn, err = s.tail(err); err != nil {
				return err
			}
			break
		}
		if errors.As(err, new(errBad)) {
			return s.damaged(err.Error())
		}
		if err != nil {
			return err
		}
		if !isCopy && rec.Type != segmentType {
			seg.saw(rec)
		}
	}
	if k.length >= 0 && s.prev != k.end {
		return s.damaged("it does not end in the record with which it was sealed")
	}
	c.segs, c.size, c.durable, c.prev, c.life = append(c.segs, seg), s.off, s.durable, s.prev, s.life
	return nil
}

// walk follows the seals from the newest segment back to the first, and
// returns the links oldest first.
func walk(st store.Store) ([]link, error) {
	d, err := listLog(st)
	if err != nil || len(d.segs) == 0 {
		return nil, err
	}
	var links []link
	k := link{name: d.segs[len(d.segs)-1], length: -1}
	for {
		prev, h, err := readHead(st, k.name)
		if err != nil {
			return nil, err
		}
		k.prev = prev
		links = append(links, k)
		if k.name == d.first || h.Prev == "" {
			break
		}
		n, ok := parseSegmentName(h.Prev)
		if !ok || !n.before(k.name) || !slices.Contains(d.segs, n) {
			return nil, missing(st, h.Prev, k.name.file()+" follows it")
		}
		k = link{name: n, length: h.Length, end: prev}
	}
	slices.Reverse(links)
	if d.first != (segmentName{}) && links[0].name != d.first {
		return nil, missing(st, d.first.file(), manifestFile(d.epoch)+" names it as the first")
	}
	return links, nil
}

// readHead returns the SEGMENT record of a segment and the digest it continues.
func readHead(st store.Store, n segmentName) (prev digest, h head, err error) {
	s, r, err := openSegment(st, n, -1)
	if err != nil {
		return prev, h, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	hd, b, err := s.peek(0)
	if errors.As(err, new(errBad)) {
		return prev, h, s.damaged("its head, which is written at once: " + err.Error())
	}
	if err != nil {
		return prev, h, err
	}
	if hd.typ != segmentType {
		return prev, h, s.damaged("a segment does not start with a record of type " + hd.typ.String())
	}
	if err := json.Unmarshal(b[headerSize:], &h); err != nil {
		return prev, h, s.damaged("head: " + err.Error())
	}
	return hd.prev, h, nil
}

func missing(st store.Store, file, why string) error {
	return &DamagedError{Place: st.String(), File: file, Offset: -1, Record: -1, What: "the file is missing or out of order, though " + why}
}

// directory is what lies in the log's folder.
type directory struct {
	segs  []segmentName // all, sorted
	epoch store.Epoch   // of the newest manifest, 0 if there is none
	first segmentName   // as it says
	files []string
}

func listLog(st store.Store) (directory, error) {
	es, err := st.List(folder)
	if err != nil {
		return directory{}, fmt.Errorf("list the batch log of checkpoint %s: %w", st, err)
	}
	var d directory
	for _, e := range es {
		d.files = append(d.files, e.Name)
		if n, ok := parseSegmentName(e.Name); ok {
			d.segs = append(d.segs, n)
		}
		if ep, ok := parseManifestName(e.Name); ok {
			d.epoch = max(d.epoch, ep)
		}
	}
	slices.SortFunc(d.segs, func(a, b segmentName) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	if d.epoch == 0 {
		return d, nil
	}
	return d, d.check(st)
}

// check compares the newest manifest with the files.
func (d *directory) check(st store.Store) error {
	m, err := readManifest(st, d.epoch)
	if err != nil {
		return err
	}
	first, ok1 := parseSegmentName(m.First)
	last, ok2 := parseSegmentName(m.Last)
	if !ok1 || !ok2 {
		return &DamagedError{Place: st.String(), File: manifestFile(d.epoch), What: "it names no segments"}
	}
	d.first = first
	for _, n := range []segmentName{first, last} {
		if !slices.Contains(d.segs, n) {
			return missing(st, n.file(), manifestFile(d.epoch)+" names it")
		}
	}
	return nil
}

func readManifest(st store.Store, e store.Epoch) (manifest, error) {
	b, err := store.ReadFile(st, manifestFile(e))
	if err != nil {
		return manifest{}, fmt.Errorf("read the manifest of the batch log: %w", err)
	}
	var m manifest
	h, err := parseHeader(b, 0, int64(len(b)))
	if err == nil {
		err = verify(b, 0)
	}
	if err == nil && (h.typ != manifestType || h.epoch != e || headerSize+int(h.length) != len(b)) {
		err = errors.New("not a manifest of this epoch")
	}
	if err == nil {
		err = json.Unmarshal(b[headerSize:], &m)
	}
	if err != nil {
		return m, &DamagedError{Place: st.String(), File: manifestFile(e), What: err.Error()}
	}
	return m, nil
}

// gone reports that a file vanished while a log was read without its lock.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) }
