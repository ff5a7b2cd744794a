package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

const sigterm = syscall.SIGTERM

// pollEvery is how often the log is looked at: recoveries are as exact as that.
const pollEvery = 300 * time.Microsecond

// await waits until something is so, and does meanwhile what is due. It gives up when there was no commit for too long.
func (r *run) await(what string, is func() bool) error {
	r.progress = time.Now()
	for {
		if err := r.tick(time.Now()); err != nil {
			return err
		}
		if is() {
			return nil
		}
		if time.Since(r.progress) > r.s.patience {
			return &hang{fmt.Sprintf("no commit within %v, while waiting for %s; the last batch is %d", r.s.patience, what, r.tail.Last())}
		}
		time.Sleep(pollEvery)
	}
}

// awaitInRun is await for what the end of the job makes needless.
func (r *run) awaitInRun(what string, is func() bool) error {
	return r.await(what, func() bool { return r.done || is() })
}

// tick looks at the log and the drivers, and does what is due.
func (r *run) tick(now time.Time) error {
	if err := r.tail.Poll(now); err != nil {
		return fmt.Errorf("follow the batch log: %w", err)
	}
	if n := len(r.tail.Commits()); n > r.commits {
		r.commits, r.progress = n, now
	}
	for i := 0; i < len(r.due); {
		c := r.due[i]
		if c.hold {
			r.progress = now // what is stopped may be what everybody waits for
		}
		if now.Before(c.at) {
			i++
			continue
		}
		r.due = slices.Delete(r.due, i, i+1)
		if err := c.do(); err != nil {
			return err
		}
	}
	return r.mind()
}

func (r *run) later(after time.Duration, hold bool, do func() error) {
	r.due = append(r.due, chore{time.Now().Add(after), hold, do})
}

// mind sees to drivers that have ended: the job is done, or they are started again.
func (r *run) mind() error {
	if r.done {
		return nil
	}
	for n := range r.s.executors() {
		p := r.rig.Executor(n + 1)
		if p == nil || r.killed[p] {
			continue
		}
		if ended, how := p.Ended(); ended {
			return fmt.Errorf("%s has ended although nothing was done to it: %v: %s", p.Name, how, lastLines(p.Log))
		}
	}
	for _, d := range r.rig.Ended() {
		_, how := d.Ended()
		if how == nil {
			r.done = true
			return nil
		}
		if r.credit--; r.credit < 0 {
			return fmt.Errorf("%s has ended although nothing was done to it: %w: %s", d.Name, how, lastLines(d.Log))
		}
		r.restarts++
		if _, err := r.rig.StartDriver(r.p.Schedule.Standby && len(r.rig.Drivers()) > 0); err != nil {
			return err
		}
	}
	return nil
}

// lastLines are the last few of a log.
func lastLines(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(len(lines)-8, 0):], "\n")
}
