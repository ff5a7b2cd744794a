package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// settle chooses again. Every change of what choice depends on calls it. The caller holds f.mu.
func (f *Fleet) settle() {
	now := time.Now()
	if f.ctx.Err() != nil || f.wanted > 0 && now.Sub(f.started) < gatherTime && slices.ContainsFunc(f.members, func(m *member) bool { return !m.asked }) {
		return
	}
	names := f.choose(now)
	for _, m := range f.members {
		switch want := names[m.label()] && !m.leaving; {
		case want && !m.chosen:
			m.chosen = true
			if m.state == Found || m.state == Spare {
				m.enter(Starting, "")
			}
			m.wake()
		case m.chosen && !want && m.at != nil:
			f.drain(m, fmt.Sprintf("the job needs only %d", f.wanted))
		case m.chosen && !want:
			m.chosen = false
			m.wake()
			if m.unhire != nil {
				m.unhire(errUnwanted)
			}
		}
	}
}

// choose lets those that were away too long keep their seats only if nobody else can have them.
func (f *Fleet) choose(now time.Time) map[string]bool {
	var here, away []candidate
	for _, m := range f.members {
		switch {
		case m.leaving || m.draining != "" || m.name == "" || !m.chosen && !m.usable:
		case f.wanted > 0 && m.chosen && m.stale(now, f.o.Patience):
			away = append(away, m.candidate())
		default:
			here = append(here, m.candidate())
		}
	}
	names := choose(here, f.wanted)
	if len(away) == 0 || len(names) >= f.wanted {
		return names
	}
	for i := range here {
		here[i].chosen = names[here[i].name]
	}
	return choose(append(here, away...), f.wanted)
}

// drain tells that a worker is about to leave.
func (f *Fleet) drain(m *member, why string) {
	m.chosen = false
	if m.at != nil && !m.leaving {
		m.leaving = true
		m.enter(Drains, why)
		f.events.put(Draining{m.at.worker, why})
	}
}

// watch looks at what only time changes.
func (f *Fleet) watch() {
	t := time.NewTicker(lookTime)
	defer t.Stop()
	for {
		select {
		case <-f.ctx.Done():
			return
		case <-t.C:
			f.look()
		}
	}
}

func (f *Fleet) look() {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	f.settle()
	for _, m := range slices.Clone(f.members) {
		if f.joined && m.seed == "" && m.at == nil && now.Sub(m.hinted) > forgetTime {
			f.remove(m)
		}
	}
	if !f.alone.IsZero() && !f.said && now.Sub(f.alone) >= lonely {
		f.said = true
		f.events.put(warning(f.loneliness()))
	}
}

// loneliness says why there is no worker.
func (f *Fleet) loneliness() string {
	var each []string
	for _, m := range f.members {
		each = append(each, fmt.Sprintf("%s: %s", m.label(), cmp.Or(string(m.kind), string(m.state))))
	}
	slices.Sort(each)
	if more := len(each) - 10; more > 0 {
		each = append(each[:10], fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("job %s has had no executor for %v, and waits: %s", f.o.Job, lonely, strings.Join(each, "; "))
}
