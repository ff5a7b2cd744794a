// Package rate decides how many rows the next batch may take, from how long the last ones took. It is pure: it has no clock, reads
// nothing and keeps nothing. What it knows is a [State] that the driver keeps in the batch log, so that a job that is started again
// goes on with what it had learned, and a replay of the log finds the same limits.
//
//	c, err := rate.New(rate.Options{}, interval)
//	s := c.Start()                // or the State of the last COMMIT
//	limit := c.Limit(s)           // rows of the next batch
//	s = c.Next(s, rate.Batch{…})  // once it is committed
//
// Inside is the estimator of Spark's back-pressure, [Estimate]. Around it, [Controller] sets what is known to go wrong with it:
//
//   - The first batch is limited too, and the limit doubles while batches take less than they may.
//   - There is no least rate but a row a batch.
//   - A limit is lowered only by a batch that took too long, at most to half, and raised at most to the double: one slow batch costs
//     the next one half of its rows, and the one after that has them back.
//   - Small deviations count by a third, so that noise does not become an oscillation.
//   - What a batch costs however few rows it has is measured. Where that is much of an interval, fewer rows would make batches little
//     shorter: they become longer than the interval instead, so that rows get two thirds of the time.
//   - What a batch is late is taken from the time of the next one.
//
// It does not look at bytes, at memory, or at what a row of one source costs beside one of another: limits.* are caps on top.
package rate
