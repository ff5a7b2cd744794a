// Package lint keeps the rules of the repository that no tool keeps: its tests read the source of all packages and check who
// imports whom, that rdd and dstream do no I/O, that every exported name is documented, how long files and functions are, which
// words names are made of, and that everything is formatted.
//
//	go test ./lint
//
// A rule is one file and one test. Its exceptions stand in that file, each with its reason.
//
// lint/suite, a command, runs the tests of all packages for the Makefile. The package itself has no code but its tests, and no
// rule that needs more than the standard library.
package lint
