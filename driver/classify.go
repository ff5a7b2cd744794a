package driver

import (
	"context"
	"errors"
	"syscall"

	"github.com/tidemill/tidemill/driver/schedule"
	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/wire"
)

// classify decides, for the whole engine, what an error means: that another attempt may succeed, that this batch cannot, or that
// the job cannot. Unless it is known to be hopeless, an error is worth a retry.
func classify(err error) schedule.Class {
	var digest *wire.DigestError
	switch {
	case errors.As(err, &digest), errors.Is(err, store.ErrFenced), errors.As(err, new(*dstream.LossError)):
		return schedule.FailJob
	case errors.As(err, new(*dstream.BadRecordError)), errors.Is(err, dstream.ErrPermanent):
		return schedule.FailBatch
	case errors.Is(err, syscall.ENOSPC):
		return schedule.FailBatch // four attempts would only fill the disk four times
	case errors.Is(err, context.Canceled):
		return schedule.Retry
	}
	return schedule.Retry
}
