package rdd

// emitter collects rows one by one into full chunks, for operators whose output is not one chunk for each of input.
type emitter[K, V any] struct {
	out   Rows[K, V]
	rows  int // of a full chunk
	yield func(Chunk, error) bool
	done  bool // the consumer wants no more
}

// next says whether the rows that follow have event times. Chunks whose rows differ in that come from different partitions of a
// union; one chunk cannot hold both.
func (e *emitter[K, V]) next(timed bool) bool {
	if timed == (e.out.Times != nil) {
		return !e.done
	}
	more := e.flush()
	e.out.Times = nil
	if timed {
		e.out.Times = []int64{}
	}
	return more
}

// grown passes a full chunk on. It returns false once the consumer wants no more rows.
func (e *emitter[K, V]) grown() bool {
	return len(e.out.Vals) < e.rows || e.flush()
}

// flush passes on what there is.
func (e *emitter[K, V]) flush() bool {
	if e.done {
		return false
	}
	if e.out.Len() > 0 {
		e.done = !e.yield(&e.out, nil)
	}
	if invariants {
		e.out.poison(AllColumns)
	}
	e.out.Keys, e.out.Vals, e.out.Times = e.out.Keys[:0], e.out.Vals[:0], e.out.Times[:0]
	return !e.done
}
