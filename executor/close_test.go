package executor

import (
	"testing"

	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd"
)

// A driver that has not heard that a worker is gone goes on sending.
func TestMessagesDuringAndAfterClose(t *testing.T) {
	w, plan, reports := newWorker(t)
	launch := wire.Launch{Epoch: 3, Tasks: make([]rdd.TaskID, 100)}
	for i := range launch.Tasks {
		launch.Tasks[i] = rdd.TaskID{Batch: 7, Attempt: i + 1}
	}
	sent, more := make(chan bool), make(chan bool)
	go func() {
		defer close(sent)
		for {
			w.Take(wire.Begin{Epoch: 3, Plan: plan})
			w.Take(launch)
			select {
			case more <- true:
			case <-t.Context().Done():
				return
			}
			if w.ctx.Err() != nil {
				return
			}
		}
	}()
	<-reports
	closing := make(chan error)
	go func() { closing <- w.Close() }()
	for sent != nil || closing != nil {
		select {
		case <-more:
		case <-reports:
		case <-sent:
			sent = nil
		case err := <-closing:
			if err != nil {
				t.Error(err)
			}
			closing = nil
		}
	}
}
