//go:build faults

package control

import (
	"os"
)

// environmentFault is the fault that TIDEMILL_FAULTS describes, for workers: crash tests build their jobs with this tag. See ParseFault.
var environmentFault = mustParse(os.Getenv("TIDEMILL_FAULTS"))

func mustParse(text string) Fault {
	f, err := ParseFault(text)
	if err != nil {
		panic("TIDEMILL_FAULTS: " + err.Error())
	}
	return f
}
