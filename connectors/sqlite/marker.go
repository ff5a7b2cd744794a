package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/tidemill/tidemill/dstream"
)

// markers is the table that says what was written: a row for each sink, partition and number of partitions.
const markers = "_tidemill"

const createMarkers = `CREATE TABLE IF NOT EXISTS ` + markers + ` (
	job TEXT NOT NULL, sink TEXT NOT NULL, partition INTEGER NOT NULL, partitions INTEGER NOT NULL,
	batch INTEGER NOT NULL, epoch INTEGER NOT NULL, ts INTEGER NOT NULL,
	PRIMARY KEY (job, sink, partition, partitions)) WITHOUT ROWID`

// FencedError says that a newer driver has written to the table since: whoever sent this write is not in charge any more.
type FencedError struct {
	ID    dstream.WriteID
	Epoch int64 // that has written
}

// Error says what to do.
func (e *FencedError) Error() string {
	return fmt.Sprintf("epoch %d of job %s has written to sink %s, so epoch %d may not: another driver took over; "+
		"if the job was started over on purpose, name another table or delete the sink's rows from %s",
		e.Epoch, e.ID.Job, e.ID.Sink, e.ID.Epoch, markers)
}

// seen reports whether the write, or a later one, is in the table. The order of writes is that of their timestamps: a batch
// that was planned anew after an abort has its number again, but a later timestamp, and must be written.
func seen(ctx context.Context, c connection, id dstream.WriteID) (bool, error) {
	var epoch, batch, ts int64
	found := false
	err := query(ctx, c, "SELECT partition, partitions, batch, epoch, ts FROM "+markers+" WHERE job = ? AND sink = ?",
		[]driver.Value{id.Job, id.Sink}, func(row []driver.Value) error {
			epoch = max(epoch, row[3].(int64))
			if row[0].(int64) == int64(id.Partition) && row[1].(int64) == int64(id.Partitions) {
				found, batch, ts = true, row[2].(int64), row[4].(int64)
			}
			return nil
		})
	switch {
	case err != nil:
		return false, fmt.Errorf("read table %s: %w", markers, err)
	case id.Epoch < epoch:
		return false, &FencedError{id, epoch}
	case !found || id.Timestamp > ts:
		return false, nil
	case id.Batch > batch:
		return false, fmt.Errorf("batch %d has the timestamp %d, but batch %d before it has %d: the job was started over with a clock that is behind; name another table, or set the clock", id.Batch, id.Timestamp, batch, ts)
	}
	return true, nil
}

// mark says that the write is in the table.
func mark(ctx context.Context, c connection, id dstream.WriteID) error {
	return run(ctx, c, "INSERT OR REPLACE INTO "+markers+" (job, sink, partition, partitions, batch, epoch, ts) VALUES (?, ?, ?, ?, ?, ?, ?)",
		id.Job, id.Sink, int64(id.Partition), int64(id.Partitions), id.Batch, id.Epoch, id.Timestamp)
}
