package rdd

import "strings"

// UserFrames cuts a stack down to what its reader can act on: the frames between the panic and the engine.
func UserFrames(stack string) string {
	lines := strings.Split(strings.TrimSpace(stack), "\n")
	var out []string
	panicked := false
	for i := 1; i+1 < len(lines); i += 2 { // the first line names the goroutine; then two lines a frame
		frame := strings.TrimSpace(lines[i])
		if strings.HasPrefix(frame, "panic(") {
			panicked, out = true, nil
			continue
		}
		if !panicked || strings.HasPrefix(frame, "runtime.") {
			continue
		}
		if engineFrame(frame) && len(out) > 0 {
			break
		}
		at, _, _ := strings.Cut(strings.TrimSpace(lines[i+1]), " ")
		out = append(out, "\t"+at+" "+frame)
	}
	return strings.Join(out, "\n")
}
