// Package state measures what keyed state costs beside the batch: how much longer batches take while full snapshots are made in the
// background, and how fast state is restored. The job counts the rows of each key in one long window. It runs on a worker without a
// driver, whose part (messages, and a log with one sync a batch) the scenario plays, so that nothing else is in the figures.
package state
