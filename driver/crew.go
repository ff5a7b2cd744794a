package driver

import (
	"context"

	"github.com/tidemill/tidemill/driver/fleet"
	"github.com/tidemill/tidemill/executor/wire"
)

// crew are those that do the work of a job: the workers of a cluster, or those in this process. What they tell comes as a fleet.Event on the
// driver's goroutine.
type crew interface {
	Send(to fleet.Worker, m ...wire.Message)
	Scale(n int)
	Release(w fleet.Worker)
	Members() []fleet.Member
	Close(ctx context.Context, stopWorkers bool) error
}
