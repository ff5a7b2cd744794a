package dstream

import "slices"

// Top makes the fold of an Aggregate that keeps the n greatest values by compare, the greatest first; of equal ones the first seen.
//
//	counts.Rekey(func(page string, n int64) (string, Page) { return wiki(page), Page{page, n} }).
//		Aggregate(dstream.Top(10, func(a, b Page) int { return cmp.Compare(a.N, b.N) }))
func Top[T any](n int, compare func(a, b T) int) (add func(*[]T, T), merge func(*[]T, []T)) {
	add = func(top *[]T, v T) {
		at, _ := slices.BinarySearchFunc(*top, v, func(have, v T) int {
			if compare(have, v) >= 0 {
				return -1 // v belongs behind its equals
			}
			return 1
		})
		if at >= n {
			return
		}
		if len(*top) >= n {
			*top = (*top)[:n-1]
		}
		*top = slices.Insert(*top, at, v)
	}
	return add, func(top *[]T, other []T) {
		for _, v := range other {
			add(top, v)
		}
	}
}
