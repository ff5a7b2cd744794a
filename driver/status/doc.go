// Package status shows what a job does: the page and API at 127.0.0.1:4040, the metrics, the line on the terminal, and
// the tables of `driver batches`. All of it is drawn from the reports of finished batches and knows nothing else.
//
//	board := status.NewBoard(status.Options{})
//	board.SetJob(status.Job{Name: "ads", Interval: time.Second, Started: time.Now()})
//	server, err := status.Listen("127.0.0.1:4040", board) // server.URL() says which port it got
//	progress := status.NewProgress(board, status.ProgressOptions{})
//	go progress.Run(ctx)
//	for each batch {
//		board.SetRunning(&report.Batch{Batch: n, Outcome: report.Running})
//		…
//		board.Put(done)      // about a microsecond: nothing is rendered here
//		progress.Put(done)   // nothing, unless it failed or was redone
//	}
//	progress.End("all sources have ended")
//	server.Close(ctx)
//
// Contract:
//
//   - A report belongs to the board once it is put, and is never changed again. Readers share it without a lock.
//   - Rendering happens when somebody looks, on the reader's goroutine. A slow reader never delays a batch.
//   - The server answers only GET and HEAD, only on loopback addresses, and only to a Host that names one. It has no
//     state that a request could change, and every request's cost is bounded.
//   - Only committed batches count as rows read, written, late or rejected: what a failed batch did is taken back.
//
// What it does not do: it reads no log (the driver may hand it batches of earlier runs by [Board.Recall]), it has no
// charts, no login and no TLS, and it does not decide or stop anything.
package status
