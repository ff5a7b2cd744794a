package node

// share is what the i-th of n jobs gets of an executor's slots: an equal part, the first ones one more where it does not divide. Each has
// at least one, so that with more jobs than slots the processor is shared instead.
func share(slots, n, i int) int {
	s := slots / n
	if i < slots%n {
		s++
	}
	return max(s, 1)
}
