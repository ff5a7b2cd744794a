package measure

import (
	"fmt"
	"os"
)

// RSS is the resident memory of the process in bytes, as /proc/self/statm has it.
func RSS() (int64, error) {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, fmt.Errorf("read the process's memory: %w", err)
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(b), &size, &resident); err != nil {
		return 0, fmt.Errorf("read the process's memory: %w", err)
	}
	return resident * int64(os.Getpagesize()), nil
}
