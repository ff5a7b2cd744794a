//go:build !faults

package control

// environmentFault is what builds with the tag faults read from the environment.
var environmentFault Fault
