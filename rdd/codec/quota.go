package codec

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow/memory"
)

// quota is an allocator of Go memory that panics when it has given out too much:
// Arrow's interface has no error. decodeBody turns the panic into one.
type quota struct {
	left int64
	memory.GoAllocator
}

// Allocate returns size bytes.
func (q *quota) Allocate(size int) []byte {
	q.take(size)
	return q.GoAllocator.Allocate(size)
}

// Reallocate returns size bytes that begin with those of b.
func (q *quota) Reallocate(size int, b []byte) []byte {
	q.take(size)
	return q.GoAllocator.Reallocate(size, b)
}

func (q *quota) take(size int) {
	if size < 0 || int64(size) > q.left {
		panic(fmt.Sprintf("%d bytes more than the memory limit allows", int64(size)-q.left))
	}
	q.left -= int64(size)
}
