// Command benchmarks measures the engine against figures that a README can be held to.
//
//	go run ./benchmarks               lists the scenarios
//	go run ./benchmarks ysb -h        their options
//	go run ./benchmarks ysb -n 1000000 -pairs 5 -spacing 10ms
//
// Every scenario checks its results before it prints a time, and ends with status 1 if one is wrong.
package main
