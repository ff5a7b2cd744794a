package status

import "time"

const (
	meterSpan = 10 * time.Second       // over which the current rate is taken
	meterCell = 100 * time.Millisecond // resolution; the span has a hundred of them
)

// meter counts rows over the last meterSpan in a fixed number of cells, so that its cost does not depend on how many
// batches fall into it.
type meter struct {
	start, last time.Time
	cells       [int(meterSpan / meterCell)]meterCount
}

type meterCount struct {
	at   int64 // which cell of all time: nanoseconds since 1970 by meterCell
	rows int64
}

func (m *meter) add(now time.Time, rows int64) {
	at := now.UnixNano() / int64(meterCell)
	c := &m.cells[uint64(at)%uint64(len(m.cells))]
	if c.at != at {
		*c = meterCount{at: at}
	}
	c.rows += rows
	m.last = now
}

// rate is rows a second over the last meterSpan, or since the start if that is less.
func (m *meter) rate(now time.Time) float64 {
	at, rows := now.UnixNano()/int64(meterCell), int64(0)
	for _, c := range m.cells {
		if c.at > at-int64(len(m.cells)) && c.at <= at {
			rows += c.rows
		}
	}
	// The cell at hand has only begun, so the span of all cells is a little short of meterSpan.
	begun := time.Duration(now.UnixNano() % int64(meterCell))
	return perSecond(rows, min(meterSpan-meterCell+begun, now.Sub(m.start)))
}

// mean is rows a second from the start to the last batch.
func (m *meter) mean(rows int64) float64 { return perSecond(rows, m.last.Sub(m.start)) }

func perSecond(rows int64, d time.Duration) float64 {
	if rows == 0 || d <= 0 {
		return 0
	}
	return float64(rows) / max(d, time.Millisecond).Seconds()
}
