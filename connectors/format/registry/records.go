package registry

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"

	"github.com/tidemill/tidemill/connectors/format"
	"github.com/tidemill/tidemill/dstream"
)

// User is what decoders that may have to wait are besides: the context of Use is for the calls that follow, as those of one Read.
type User interface {
	Use(ctx context.Context)
}

// Checker is what decoders are besides that ask somebody: Check tells what can be told when an endpoint opens, as a wrong password.
// Its error is permanent. A registry that is away is none: decoding will wait for it.
type Checker interface {
	Check(ctx context.Context) error
}

// headerSize is the bytes in front of what a format writes: a zero, and the id of a schema.
const headerSize = 5

// records decodes single values, each by the schema that it was written with.
type records struct {
	*Options
	ctx    context.Context
	fixed  Plan // of all records; nil = by id
	client *client
	plans  *plans

	id   uint32 // of the last record
	last Plan   // nil = none yet
}

type patientKey struct{}

// Open returns a function that makes decoders. kind is the name that a registry has for the format.
func (o *Options) Open(kind string, compile Compile) (func() format.Decoder, error) {
	if o.Schema != "" {
		plan, err := o.local(compile)
		if err != nil {
			return nil, fmt.Errorf("schema=%s: %w", o.Schema, err)
		}
		return func() format.Decoder { return &records{Options: o, fixed: plan} }, nil
	}
	c := newClient(o.address, o.tls)
	p := newPlans(func(ctx context.Context, id uint32) (*Schema, error) {
		l := &lookup{client: c, ctx: ctx, patient: ctx.Value(patientKey{}) != nil, kind: kind}
		return l.schema(id)
	}, compile)
	return func() format.Decoder { return &records{Options: o, ctx: context.Background(), client: c, plans: p} }, nil
}

// local is the plan of the schema in a file.
func (o *Options) local(compile Compile) (Plan, error) {
	f, err := os.Open(o.Schema)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxAnswer {
		return nil, fmt.Errorf("longer than %d bytes", maxAnswer)
	}
	return compile(&Schema{Name: o.Schema, File: o.Schema, Text: string(text)})
}

// Use implements User.
func (d *records) Use(ctx context.Context) { d.ctx = context.WithValue(ctx, patientKey{}, true) }

// Check implements Checker.
func (d *records) Check(ctx context.Context) error {
	if d.client == nil {
		return nil
	}
	return d.client.check(ctx)
}

// Start implements format.Decoder.
func (d *records) Start([]byte) {}

// Decode implements format.Decoder.
func (d *records) Decode([]byte, bool, func(int) string, *dstream.Reader) (int, int64, error) {
	return 0, 0, dstream.Permanent(fmt.Errorf("format=%s has no lines: only sources whose records are apart, as Kafka's, have it", d.Format))
}

// DecodeRecord implements format.Decoder.
func (d *records) DecodeRecord(rec []byte, position string, to *dstream.Reader) error {
	if len(rec) > d.MaxRecord {
		reason := fmt.Sprintf("longer than %d bytes; the parameter max_record allows more", d.MaxRecord)
		return to.Reject(dstream.BadRecord{Position: position, Bytes: rec[:d.MaxRecord:d.MaxRecord], Reason: reason})
	}
	plan, payload, reason, err := d.planOf(rec)
	if err != nil {
		return err
	}
	if plan != nil {
		err := plan.Decode(to.Row(), payload)
		if err == nil {
			return to.Add()
		}
		to.Row() // zero again: what a bad record has set keeps no memory
		reason = err.Error()
	}
	return to.Reject(dstream.BadRecord{Position: position, Bytes: rec, Reason: reason})
}

// planOf returns the plan of a record and what of it is the plan's, or the reason why there is none.
func (d *records) planOf(rec []byte) (plan Plan, payload []byte, reason string, err error) {
	if d.address == nil {
		return d.fixed, rec, "", nil
	}
	switch {
	case len(rec) < headerSize:
		return nil, nil, fmt.Sprintf("has %d bytes, too few for the header of a schema registry", len(rec)), nil
	case rec[0] != 0:
		return nil, nil, fmt.Sprintf("begins with byte 0x%02x, not with the header of a schema registry", rec[0]), nil
	case d.fixed != nil:
		return d.fixed, rec[headerSize:], "", nil
	}
	id := binary.BigEndian.Uint32(rec[1:])
	if id != d.id || d.last == nil {
		if plan, reason, err = d.plans.get(d.ctx, id); plan == nil {
			return nil, nil, reason, err
		}
		d.id, d.last = id, plan
	}
	return d.last, rec[headerSize:], "", nil
}
