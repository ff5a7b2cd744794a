package main

import "testing"

// TestNeighbours runs a job that leaks memory and ends its workers beside a healthy one on the same executors. The executors start the
// workers of the one again and again; the other goes on, keeps its workers, and its table is right.
func TestNeighbours(t *testing.T) {
	a := start(t, "ex-1", "--memory", "512MiB")
	b := start(t, "ex-2", "--memory", "512MiB", "--join", a.gossip)
	good := newPlace(t, "healthy", 2_000_000)
	healthy := good.driver(t, a.calls, "")
	for _, e := range []*executor{a, b} {
		e.says("the worker of job healthy runs")
	}
	sick := newPlace(t, "leaky", endless).driver(t, b.calls, "leak")
	for _, e := range []*executor{a, b} {
		e.says("leaky| panic: the leak has sprung")
	}
	sick.says("worker on ex-", "is gone", "its worker has ended")
	healthy.ends(0)
	good.exact(t)
	healthy.never("is gone", "cannot be used", "failed")
	sick.stops()
}
