package cluster

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// spent is the CPU time of processes since they began.
type spent struct{ driver, daemons, workers time.Duration }

func (s spent) all() time.Duration { return s.driver + s.daemons + s.workers }

func (s spent) since(o spent) spent {
	return spent{s.driver - o.driver, s.daemons - o.daemons, s.workers - o.workers}
}

// spent reads what all processes have used. None may have been started again in between.
func (s *stand) spent() (out spent, err error) {
	add := func(to *time.Duration, pid int) {
		d, e := cpu(pid)
		*to, err = *to+d, errors.Join(err, e)
	}
	driver, command, ok := s.rig.Leader()
	if !ok {
		return out, errors.New("no process of the driver's owns the checkpoint")
	}
	add(&out.driver, driver.Number)
	add(&out.driver, command.ID().Number)
	for i := range s.executors {
		add(&out.daemons, s.rig.Executor(i+1).ID().Number)
		for _, w := range s.rig.Workers(i + 1) {
			add(&out.workers, w.Number)
		}
	}
	return out, err
}

// tick is the unit of times in /proc, USER_HZ, which is the same on all machines that Go's Linux knows.
const tick = time.Second / 100

// cpu is the time that a process has used in user and system mode, see proc(5).
func cpu(pid int) (time.Duration, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, fmt.Errorf("read a process's CPU time: %w", err)
	}
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(f) < 13 {
		return 0, fmt.Errorf("read a process's CPU time: %q", text)
	}
	user, err1 := strconv.ParseInt(f[11], 10, 64)
	system, err2 := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * tick, errors.Join(err1, err2)
}
