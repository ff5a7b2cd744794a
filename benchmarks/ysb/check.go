package ysb

import (
	"fmt"
	"time"
)

// Cell is a place in the result.
type Cell struct {
	Campaign string
	Window   time.Time
}

// Check compares a result with the right one, cell by cell. The error names the first cells that differ.
func Check(want map[Cell]int64, got []Views) error {
	seen := make(map[Cell]bool, len(got))
	var wrong []string
	for _, v := range got {
		c := Cell{v.Campaign, v.Window.UTC()}
		n, known := want[c]
		switch {
		case seen[c]:
			wrong = append(wrong, fmt.Sprintf("%v twice", c))
		case !known:
			wrong = append(wrong, fmt.Sprintf("%v = %d, which should not be there", c, v.Views))
		case n != v.Views:
			wrong = append(wrong, fmt.Sprintf("%v = %d, want %d", c, v.Views, n))
		}
		seen[c] = true
	}
	if missing := len(want) - len(seen); missing > 0 {
		wrong = append(wrong, fmt.Sprintf("%d of %d cells are missing", missing, len(want)))
	}
	if len(wrong) > 0 {
		return fmt.Errorf("the result is wrong in %d places: %v", len(wrong), wrong[:min(len(wrong), 3)])
	}
	return nil
}

// String is the cell as an error shows it.
func (c Cell) String() string {
	return fmt.Sprintf("(%.8s, %s)", c.Campaign, c.Window.UTC().Format("15:04:05"))
}
