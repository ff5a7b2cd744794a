package measure

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Cost is what a piece of work took.
type Cost struct {
	CPU    time.Duration // of all threads of the process, in user and system mode
	Wall   time.Duration
	Allocs uint64 // objects allocated
}

// Mark is a point in the life of the process.
type Mark struct {
	at     time.Time
	cpu    time.Duration
	allocs uint64
}

// Now is the mark of now. It stops the world for some µs.
func Now() Mark {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return Mark{time.Now(), CPU(), m.Mallocs}
}

// To is what it took to get from m to a later mark.
func (m Mark) To(later Mark) Cost {
	return Cost{CPU: later.cpu - m.cpu, Wall: later.at.Sub(m.at), Allocs: later.allocs - m.allocs}
}

// CPU is the CPU time that the process has used (getrusage(2)), 0 if the system does not tell.
func CPU() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Start is Now after the heap was collected, so that what follows does not pay for what others left.
func Start() Mark {
	runtime.GC()
	return Now()
}

// Of is what f takes from a Start on.
func Of(f func() error) (Cost, error) {
	from := Start()
	err := f()
	return from.To(Now()), err
}
