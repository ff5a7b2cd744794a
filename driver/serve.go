package driver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/tidemill/tidemill/driver/config"
	"github.com/tidemill/tidemill/driver/report"
	"github.com/tidemill/tidemill/driver/status"
	"github.com/tidemill/tidemill/dstream"
)

// serve runs a job for a person: with signals, progress, and the page.
func serve(build func(*dstream.Job), c *config.Config, start config.Start, o Options) error {
	finish, now, stop := signals()
	defer stop()
	told := finish
	if c.StopAfter > 0 {
		var cancel context.CancelFunc
		finish, cancel = context.WithTimeout(finish, c.StopAfter)
		defer cancel()
	}
	board := status.NewBoard(status.Options{Keep: c.KeepBatches})
	progress := status.NewProgress(board, status.ProgressOptions{})
	if err := logTo(progress, c.Log); err != nil {
		return err
	}
	server, err := status.Listen(c.UI, board)
	if err != nil {
		return err
	}
	defer context.AfterFunc(told, func() {
		fmt.Fprintln(progress, "tidemill: finishing the batch at hand; a second signal leaves at once, and loses nothing either")
	})()
	o.Place.Out = progress.Around(os.Stdout)
	if !o.Fresh {
		recall(board, o, c.KeepBatches)
	}
	defer closeServer(server)
	var shown sync.WaitGroup
	showing, hide := context.WithCancel(context.Background())
	o.Observe = func(b *report.Batch) {
		board.Put(b)
		progress.Put(b)
	}
	o.Warn = func(text string) { fmt.Fprintln(progress, "tidemill: "+text) }
	o.Waiting = waitsShown(board, progress)
	began := false
	o.Ready = func(s Started) {
		began = true
		if err := start.TellCheckpoint(s.Checkpoint); err != nil {
			o.Warn(err.Error())
		}
		board.SetJob(jobOf(s))
		announce(progress, s, server)
		shown.Go(func() { progress.Run(showing) })
	}
	err = Run(finish, now, build, o)
	hide()
	shown.Wait()
	if !began && err != nil {
		progress.End("") // the error says it all
		return err
	}
	progress.End(why(err, finish))
	return err
}

// recall shows the batches of earlier runs. A checkpoint that does not read is reported by who opens it to go on.
func recall(board *status.Board, o Options, keep int) {
	batches, err := Batches(o.Checkpoint, o.Name, keep)
	if err != nil {
		return
	}
	for i := range batches {
		board.Recall(&batches[i])
	}
}

func jobOf(s Started) status.Job {
	j := status.Job{Name: s.Name, Interval: s.Interval, Started: time.Now(), Epoch: s.Epoch, Checkpoint: s.Checkpoint, Explain: s.Explain}
	for _, name := range sortedKeys(s.Guarantees) {
		j.Sinks = append(j.Sinks, status.JobSink{Name: name, Guarantee: s.Guarantees[name]})
	}
	return j
}

// announce says what has been started, and where to look.
func announce(to *status.Progress, s Started, server *status.Server) {
	fmt.Fprintf(to, "%s: a batch every %v, checkpoint %s\n", s.Name, s.Interval, s.Checkpoint)
	if u := server.URL(); u != "" {
		moved := ""
		if server.Moved() {
			moved = " (the port asked for was taken)"
		}
		fmt.Fprintf(to, "%s: page at %s%s\n", s.Name, u, moved)
	}
	switch {
	case s.Open:
		fmt.Fprintf(to, "%s: going on after batch %d; a batch that was under way is run again\n", s.Name, s.Resumed)
	case s.Resumed > 0:
		fmt.Fprintf(to, "%s: going on after batch %d\n", s.Name, s.Resumed)
	}
}

// why says how a run ended.
func why(err error, finish context.Context) string {
	switch {
	case errors.Is(err, ErrInterrupted):
		return "interrupted"
	case err != nil:
		return "failed"
	case finish.Err() != nil:
		return "stopped"
	}
	return "done"
}

func closeServer(s *status.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "tidemill: close the page: "+err.Error())
	}
}
