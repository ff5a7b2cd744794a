package executor

import (
	"errors"
	"testing"

	"github.com/tidemill/tidemill/executor/flight"
	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd"
)

// TestLowerEpochIsRefused shows that a driver that was replaced is told so and changes nothing.
func TestLowerEpochIsRefused(t *testing.T) {
	w, _, _ := newWorker(t)
	if _, err := w.Attach(7, 1, nil); err != nil {
		t.Fatal(err)
	}
	var old *wire.EpochError
	if _, err := w.Attach(6, 2, nil); !errors.As(err, &old) || old.Have != 7 || old.Want != 6 {
		t.Fatalf("%v, want an EpochError of 7 and 6", err)
	}
	if w.Incarnation() != 1 {
		t.Error("the refused driver has changed the incarnation")
	}
}

// TestAttachEndsWhatWasGoingOn shows that after an attachment nothing of the one before is left: its batch can be neither granted nor read, and
// the same batch begins anew under the same numbers.
func TestAttachEndsWhatWasGoingOn(t *testing.T) {
	w, plan, reports := newWorker(t)
	if _, err := w.Attach(3, 1, nil); err != nil {
		t.Fatal(err)
	}
	id := rdd.TaskID{Batch: 7, Attempt: 1}
	w.Take(wire.Begin{Epoch: 3, Plan: plan})
	w.Take(wire.Launch{Epoch: 3, Tasks: []rdd.TaskID{id}})
	if _, ok := (<-reports).(wire.TaskDone); !ok {
		t.Fatal("the task was not done")
	}
	ticket := flight.Ticket{Epoch: 3, Batch: 7, Incarnation: 1, Parts: []flight.Part{{Attempt: 1}}}
	if _, err := w.Block(ticket, ticket.Parts[0]); err != nil {
		t.Fatalf("before: %v", err)
	}
	hello, err := w.Attach(4, 2, nil)
	if err != nil || hello.Incarnation != 2 || hello.PendingBatch != 0 {
		t.Fatalf("%+v, %v", hello, err)
	}
	if _, err := w.Block(ticket, ticket.Parts[0]); err == nil {
		t.Error("a block of the attachment before is given out")
	}
	ticket.Epoch, ticket.Incarnation = 4, 2
	if _, err := w.Block(ticket, ticket.Parts[0]); err == nil {
		t.Error("a block that was made for the driver before is given to others under the new one")
	}
	w.Take(wire.Grant{Epoch: 4, Batch: 7, Round: 1, Tasks: []rdd.TaskID{id}})
	w.Take(wire.Begin{Epoch: 4, Plan: plan})
	w.Take(wire.Launch{Epoch: 4, Tasks: []rdd.TaskID{id}})
	if r, ok := (<-reports).(wire.TaskDone); !ok || r.Task != id {
		t.Errorf("%+v, want the same task done once more, and no answer to the grant of a batch that was not open", r)
	}
}
