package batchlog

import (
	"errors"
	"fmt"
)

// ErrDamaged is wrapped by every DamagedError.
var ErrDamaged = errors.New("batch log is damaged")

// DamagedError is a log that no crash can have left like this. Nothing is
// guessed from it: the job stops.
type DamagedError struct {
	Place  string // the checkpoint
	File   string // in it
	Offset int64  // of the first bad byte's record; -1 if the file is missing
	Record int    // its ordinal in the file, from 0; -1 if unknown
	What   string
}

// Error says where the damage is and how to go on.
func (e *DamagedError) Error() string {
	where := e.File
	if e.Offset >= 0 {
		where = fmt.Sprintf("%s at offset %d, record %d", e.File, e.Offset, e.Record)
	}
	return fmt.Sprintf("batch log of checkpoint %s is damaged: %s: %s; nothing was changed: check the disk, restore the "+
		"folder from a copy, or start over with --fresh", e.Place, where, e.What)
}

// Unwrap returns ErrDamaged.
func (e *DamagedError) Unwrap() error { return ErrDamaged }

// ErrOrder is wrapped by every OrderError.
var ErrOrder = errors.New("record out of order")

// OrderError is a record that breaks the rules of a batch's life: a bug of the
// caller. The log is as before.
type OrderError struct {
	Type  Type
	Batch Batch
	Why   string
}

// Error names the record and the rule.
func (e *OrderError) Error() string {
	return fmt.Sprintf("append %s(%d) to the batch log: %s", e.Type, e.Batch, e.Why)
}

// Unwrap returns ErrOrder.
func (e *OrderError) Unwrap() error { return ErrOrder }
