package protobuf

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"unsafe"

	"github.com/tidemill/tidemill/connectors/format/internal/slot"
	"github.com/tidemill/tidemill/connectors/format/registry"
	"github.com/tidemill/tidemill/rdd/codec"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// local is the plan of a file: of one of its messages. It implements registry.Plan.
type local struct {
	row     whole
	indexed bool // an index that does not matter stands in front
}

func newLocal(file protoreflect.FileDescriptor, o *registry.Options, rows *codec.Codec) (*local, error) {
	md, err := choose(file, o.Message)
	if err != nil {
		return nil, err
	}
	row, err := newRow(md, o.Unit, rows)
	return &local{row, o.Indexed()}, err
}

// Decode implements registry.Plan.
func (p *local) Decode(row unsafe.Pointer, payload []byte) error {
	if p.indexed {
		var err error
		if _, payload, err = index(payload); err != nil {
			return err
		}
	}
	return p.row(payload, row)
}

// newRow is what decodes messages into rows.
func newRow(md protoreflect.MessageDescriptor, u slot.Unit, rows *codec.Codec) (whole, error) {
	root := slot.Root(rows)
	return (&compiler{unit: u}).whole(md, &root)
}

// choose is the message of a name, or the only one.
func choose(file protoreflect.FileDescriptor, name string) (protoreflect.MessageDescriptor, error) {
	top := file.Messages()
	if name == "" {
		if top.Len() == 1 {
			return top.Get(0), nil
		}
		return nil, fmt.Errorf("has %d messages: say by message= which one a record is: %s", top.Len(), strings.Join(names(top, nil), ", "))
	}
	if md := find(top, protoreflect.FullName(name)); md != nil {
		return md, nil
	}
	return nil, fmt.Errorf("has no message %s: there are %s", name, strings.Join(names(top, nil), ", "))
}

func find(mds protoreflect.MessageDescriptors, name protoreflect.FullName) protoreflect.MessageDescriptor {
	for i := range mds.Len() {
		if md := mds.Get(i); md.FullName() == name {
			return md
		} else if within := find(md.Messages(), name); within != nil {
			return within
		}
	}
	return nil
}

func names(mds protoreflect.MessageDescriptors, out []string) []string {
	for i := range mds.Len() {
		if md := mds.Get(i); !md.IsMapEntry() {
			out = names(md.Messages(), append(out, string(md.FullName())))
		}
	}
	return out
}

// indexed is the plan of a schema of a registry: of all messages in it. It implements registry.Plan.
type indexed struct {
	name string // of the schema, for messages
	file protoreflect.FileDescriptor
	unit slot.Unit
	rows *codec.Codec
	only protoreflect.FullName // the message that is asked for; empty = any

	first *row // of the first message

	mu    sync.Mutex
	other map[protoreflect.FullName]*row
}

// row is what decodes a message, or why none of it can be decoded.
type row struct {
	do  whole
	err error
}

func newIndexed(name string, file protoreflect.FileDescriptor, o *registry.Options, rows *codec.Codec) *indexed {
	p := &indexed{name: name, file: file, unit: o.Unit, rows: rows, only: protoreflect.FullName(o.Message), other: map[protoreflect.FullName]*row{}}
	if file.Messages().Len() > 0 {
		p.first = p.make(file.Messages().Get(0))
	} else {
		p.first = &row{err: errors.New("the schema has no message")}
	}
	return p
}

func (p *indexed) make(md protoreflect.MessageDescriptor) *row {
	if p.only != "" && md.FullName() != p.only {
		return &row{err: fmt.Errorf("is a message %s, not the %s of the parameter message", md.FullName(), p.only)}
	}
	do, err := newRow(md, p.unit, p.rows)
	if err != nil {
		err = fmt.Errorf("%s: %w", p.name, err)
	}
	return &row{do, err}
}

// Decode implements registry.Plan.
func (p *indexed) Decode(to unsafe.Pointer, payload []byte) error {
	r := p.first
	if len(payload) > 0 && payload[0] == 0 {
		payload = payload[1:]
	} else {
		path, rest, err := index(payload)
		if err != nil {
			return err
		}
		if r, err = p.at(path); err != nil {
			return err
		}
		payload = rest
	}
	if r.err != nil {
		return r.err
	}
	return r.do(payload, to)
}

// at is the row of the message that a path of indexes leads to.
func (p *indexed) at(path []int64) (*row, error) {
	mds := p.file.Messages()
	var md protoreflect.MessageDescriptor
	for _, i := range path {
		if i < 0 || i >= int64(mds.Len()) {
			return nil, fmt.Errorf("is message %v of its schema, which has no such", path)
		}
		md = mds.Get(int(i))
		mds = md.Messages()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.other[md.FullName()]
	if r == nil {
		r = p.make(md)
		p.other[md.FullName()] = r
	}
	return r, nil
}

// maxIndex bounds how deep a message can stand within others.
const maxIndex = 32

// index reads which message of its file a record is.
func index(payload []byte) (path []int64, rest []byte, err error) {
	bad := errors.New("does not say which message of its schema it is: the index behind the header is no list of numbers")
	next := func() (int64, bool) {
		u, n := protowire.ConsumeVarint(payload)
		if n < 0 {
			return 0, false
		}
		payload = payload[n:]
		return protowire.DecodeZigZag(u), true
	}
	n, ok := next()
	if !ok || n < 0 || n > maxIndex {
		return nil, nil, bad
	}
	if n == 0 {
		return []int64{0}, payload, nil
	}
	for range n {
		i, ok := next()
		if !ok {
			return nil, nil, bad
		}
		path = append(path, i)
	}
	return path, payload, nil
}
