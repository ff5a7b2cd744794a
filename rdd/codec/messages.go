package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// messages cuts a stream in memory into IPC messages for Arrow's reader. Arrow's own
// allocates what a message's length says before it looks for the bytes, recurses
// through whatever its schema says, and decompresses without bound. So before Arrow
// sees a message, its metadata is walked here and refused if it is out of proportion.
type messages struct {
	rest []byte
	n    int // messages so far
}

// Retain is part of ipc.MessageReader; nothing is to be done, since memory is collected.
func (m *messages) Retain() {}

// Release is part of ipc.MessageReader.
func (m *messages) Release() {}

// The types of IPC messages (format/Message.fbs, union MessageHeader).
const schemaMessage, dictionaryMessage, recordMessage = 1, 2, 3

// Message returns the next message, io.EOF at the end of the stream.
func (m *messages) Message() (*ipc.Message, error) {
	meta, err := m.metadata()
	if err != nil {
		return nil, err
	}
	msg := root(meta)
	length := msg.int64(3)
	if length < 0 || length > int64(len(m.rest)) {
		return nil, fmt.Errorf("message body of %d bytes, there are %d", length, len(m.rest))
	}
	if err := m.admit(msg); err != nil {
		return nil, err
	}
	body := m.rest[:length:length]
	m.rest = m.rest[length:]
	m.n++
	return ipc.NewMessage(memory.NewBufferBytes(meta), memory.NewBufferBytes(body)), nil
}

// metadata takes the next message's flatbuffer: the word ffffffff, its length, itself.
func (m *messages) metadata() ([]byte, error) {
	if len(m.rest) < 8 || binary.LittleEndian.Uint32(m.rest) != 0xffffffff {
		return nil, errors.New("no message where one must begin")
	}
	n := uint64(binary.LittleEndian.Uint32(m.rest[4:]))
	m.rest = m.rest[8:]
	if n == 0 {
		return nil, io.EOF
	}
	if n > uint64(len(m.rest)) {
		return nil, fmt.Errorf("message of %d bytes, there are %d", n, len(m.rest))
	}
	meta := m.rest[:n:n]
	m.rest = m.rest[n:]
	return meta, nil
}

// admit lets through a schema, then whole dictionaries and a record, all uncompressed.
func (m *messages) admit(msg table) error {
	header, ok := msg.table(2)
	if !ok {
		return errors.New("message without a header")
	}
	kind := msg.byte(1)
	switch {
	case m.n == 0 && kind == schemaMessage:
		b := &budget{left: 1 << 20}
		return b.schema(header)
	case m.n > 0 && kind == dictionaryMessage:
		if header.byte(2) != 0 {
			return errors.New("a dictionary in pieces")
		}
		if header, ok = header.table(1); !ok {
			return errors.New("a dictionary without values")
		}
	case m.n > 0 && kind == recordMessage:
	default:
		return fmt.Errorf("message %d is of type %d", m.n, kind)
	}
	if header.field(3) != 0 {
		return errors.New("a compressed body; frames are not compressed")
	}
	return nil
}

// budget bounds what Arrow will make of a schema. A flatbuffer's offsets may point to
// one place many times, so a small one can describe 2⁶⁰ fields or a name a thousand
// times; each visit is charged.
type budget struct{ left int }

func (b *budget) charge(n int) error {
	if b.left -= n; b.left < 0 {
		return errors.New("a schema out of proportion")
	}
	return nil
}

// The places of fields in the tables of format/Schema.fbs.
const (
	schemaEndian, schemaFields, schemaMetadata         = 0, 1, 2
	fieldName, fieldTypeKind, fieldType, fieldChildren = 0, 2, 3, 5
	fieldMetadata                                      = 6
	timestampKind, timestampZone                       = 10, 1
)

// allowedKinds is a bit for each member of union Type in format/Schema.fbs that verify
// knows: all but null, union and what is younger than large_list.
const allowedKinds uint64 = 0x3f_b7fc

func (b *budget) schema(s table) error {
	if s.byte(schemaEndian) != 0 {
		return errors.New("big-endian columns")
	}
	return errors.Join(b.metadata(s, schemaMetadata), b.fields(s, schemaFields, 0))
}

func (b *budget) fields(of table, i, depth int) error {
	if depth > 32 {
		return errors.New("a schema nested deeper than 32")
	}
	for f := range of.tables(i) {
		if kind := f.byte(fieldTypeKind); allowedKinds>>kind&1 == 0 {
			return fmt.Errorf("a column of Arrow's type number %d", kind)
		}
		zone := 0
		if t, ok := f.table(fieldType); ok && f.byte(fieldTypeKind) == timestampKind {
			zone = t.length(timestampZone)
		}
		if err := b.charge(64 + f.length(fieldName) + zone); err != nil {
			return err
		}
		if err := errors.Join(b.metadata(f, fieldMetadata), b.fields(f, fieldChildren, depth+1)); err != nil {
			return err
		}
	}
	return nil
}

func (b *budget) metadata(of table, i int) error {
	for kv := range of.tables(i) {
		if err := b.charge(32 + kv.length(0) + kv.length(1)); err != nil {
			return err
		}
	}
	return nil
}
