package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"time"
)

// Format is the newest checkpoint format that this engine reads and writes.
const Format = 1

const metaName = "meta"

// Meta is fixed when a job starts for the first time.
type Meta struct {
	Format    int       `json:"format"`    // set by Acquire
	Job       string    `json:"job"`       // name of the job
	Created   time.Time `json:"created"`   // set by Acquire
	KeyGroups int       `json:"keyGroups"` // slices of the key space, never changed
	Engine    string    `json:"engine"`    // version that made the checkpoint
	CRC32C    uint32    `json:"crc32c"`    // of this JSON with CRC32C zero; set by Acquire
}

// ReadMeta returns the meta of a checkpoint; fs.ErrNotExist if it is new,
// *FormatError if it is too new, another error if it is damaged.
func ReadMeta(s Store) (Meta, error) {
	b, err := ReadFile(s, metaName)
	if err != nil {
		return Meta{}, err
	}
	var m Meta
	if err := json.Unmarshal(b, &m); err != nil {
		return Meta{}, damagedMeta(s, err)
	}
	if m.Format > Format {
		return Meta{}, &FormatError{Place: s.String(), Have: m.Format, Know: Format, Engine: m.Engine}
	}
	if m.Format < 1 || string(m.encode()) != string(b) {
		return Meta{}, damagedMeta(s, errors.New("checksum does not fit"))
	}
	return m, nil
}

func damagedMeta(s Store, err error) error {
	return fmt.Errorf("file %s of checkpoint %s is damaged: restore the folder from a copy, "+
		"or start over with --fresh: %w", metaName, s, err)
}

// encode sets the checksum; the encoding is canonical, so a file that differs
// from the encoding of what was read from it has changed.
func (m Meta) encode() []byte {
	m.CRC32C = 0
	for range 2 {
		b, err := json.Marshal(m)
		if err != nil {
			panic(err) // no field of Meta can fail but a year past 9999
		}
		if m.CRC32C != 0 {
			return append(b, '\n')
		}
		m.CRC32C = max(1, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	}
	panic("unreachable: the second round has a checksum")
}

// match returns the meta of the checkpoint if want's job may use it; ok is false
// if the checkpoint is new.
func match(s Store, want Meta) (m Meta, ok bool, err error) {
	m, err = ReadMeta(s)
	if errors.Is(err, fs.ErrNotExist) {
		return want, false, nil
	}
	if err == nil && m.Job != want.Job {
		err = &OtherJobError{Place: s.String(), Have: m.Job, Want: want.Job}
	}
	return m, true, err
}
