package simulate

import (
	"encoding/binary"
	"errors"
	"io/fs"

	"github.com/tidemill/tidemill/driver/schedule"
)

// The job: rows are the numbers From ≤ x < To. Stage 0 maps them and deals them out to buckets; stage 1 adds each bucket to
// its state and writes it to a sink; stage 2, if there is one, writes something of it to another sink.

// plan is the payload of PLAN. ID tells two plans of one batch apart.
type plan struct {
	batch          int64
	id             uint64
	from, to, tick int64
}

func (p plan) encode() []byte {
	var b []byte
	for _, x := range []int64{p.batch, int64(p.id), p.from, p.to, p.tick} {
		b = binary.AppendVarint(b, x)
	}
	return b
}

func decodePlan(b []byte) (p plan) {
	r := reader{b}
	p.batch, p.id, p.from, p.to, p.tick = r.next(), uint64(r.next()), r.next(), r.next(), r.next()
	return p
}

// result is the payload of COMMIT: the plan again, and the versions of state after it.
type result struct {
	plan
	states []uint64
}

func (c result) encode() []byte {
	b := c.plan.encode()
	for _, v := range c.states {
		b = binary.AppendVarint(b, int64(v))
	}
	return b
}

func decodeResult(b []byte, parts int) (c result) {
	r := reader{b}
	p := &c.plan
	p.batch, p.id, p.from, p.to, p.tick = r.next(), uint64(r.next()), r.next(), r.next(), r.next()
	for range parts {
		c.states = append(c.states, uint64(r.next()))
	}
	return c
}

type reader struct{ b []byte }

func (r *reader) next() int64 {
	x, n := binary.Varint(r.b)
	r.b = r.b[max(n, 0):]
	return x
}

func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// value is what the map makes of a row, and bucket where it sends it.
func value(x int64) uint64 { return uint64(x)*0x9e3779b97f4a7c15 + 1 }

func bucket(x int64, parts int) int { return int(x/3) % parts }

// mapped is one block of stage 0.
func mapped(p plan, partition, maps, to, parts int) (sum uint64) {
	for x := p.from; x < p.to; x++ {
		if int(x)%maps == partition && bucket(x, parts) == to {
			sum += value(x)
		}
	}
	return sum
}

// folded is the state after a batch, which is also the row of the first sink.
func folded(before, sum uint64) uint64 { return (before ^ sum) * 1099511628211 }

// forwarded is the row of the second sink.
func forwarded(row uint64) uint64 { return row*2 + 1 }

// stages of a batch, as the driver gives them to the scheduler.
func (d *driver) stages() []schedule.Stage {
	w := d.w
	out := []schedule.Stage{{Parts: w.maps}, {Parts: w.parts, Parents: []int{0}, Granted: true}}
	for p := range w.parts {
		out[1].Prefer = append(out[1].Prefer, []schedule.Worker{d.holder[p]})
	}
	if w.seed%3 == 0 {
		out[1].Holders = out[1].Prefer
	}
	if w.second {
		out = append(out, schedule.Stage{Parts: w.parts, Parents: []int{1}, Granted: true})
	}
	return out
}
