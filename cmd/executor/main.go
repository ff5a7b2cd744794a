// Command executor will be a node of a cluster. This version runs jobs in local mode only, and the command says so.
package main

import (
	"fmt"
	"os"
)

const message = "executor: cluster mode is not part of this version; run jobs with driver run, which needs no executor"

func main() {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(1)
}
