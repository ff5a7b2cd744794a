package schedule

import (
	"fmt"
	"slices"
)

// movedAway finds out whether what a worker could not publish is given up there, which only SetAside allows.
func (c *checker) movedAway(cmds []Command) {
	g, aside := c.refused, c.aside[c.refused.Worker]
	for _, cmd := range cmds {
		switch cmd := cmd.(type) {
		case Grant:
			if cmd.Worker == g.Worker && slices.Equal(cmd.Tasks, g.Tasks) {
				return
			}
		case SetAside:
			aside = aside || cmd.Worker == g.Worker
		case Halt:
			return
		}
	}
	c.require(aside, "%s failed, and was not given again", describe(*g))
	c.met["moved away"]++
	b := c.batch
	b.lost = true
	b.again = slices.DeleteFunc(b.again, func(a Grant) bool { return a.Round == g.Round && a.Worker == g.Worker })
	for _, t := range g.Tasks {
		if b.out[at(t)] == (held{t.Attempt, g.Worker}) {
			delete(b.out, at(t))
		}
		b.failedAt[at(t)] = g.Worker
	}
}

func (c *checker) grant(g Grant) {
	b := c.batch
	i := slices.IndexFunc(b.again, func(a Grant) bool { return a.Worker == g.Worker && slices.Equal(a.Tasks, g.Tasks) })
	if i >= 0 {
		b.again = slices.Delete(b.again, i, i+1)
		c.met["grant repeated"]++
	} else {
		c.require(c.finished(), "%s before all tasks have finished", describe(g))
		c.require(b.bodiesDone || !b.bodies, "%s before the bodies are done", describe(g))
		if b.rounds > 0 && g.Round > b.rounds {
			c.met["lost after grant"]++
		}
		b.lost = false
		for _, t := range g.Tasks {
			c.require(b.out[at(t)] == held{t.Attempt, g.Worker}, "%v granted to %s, but it is %v that counts", t, g.Worker, b.out[at(t)])
		}
	}
	c.require(len(g.Tasks) > 0 && g.Round >= b.rounds, "%s after round %d", describe(g), b.rounds)
	b.rounds = g.Round
	for _, t := range g.Tasks {
		key := fmt.Sprint(g.Round, at(t))
		c.require(!b.seen[key], "%v granted twice in round %d", at(t), g.Round)
		c.require(!b.published[at(t)], "%v granted, but it is published", at(t))
		c.require(b.programs[t.Program][t.Stage].Granted, "%v granted, but it has nothing to publish", t)
		b.seen[key] = true
	}
	_, up := c.slots[g.Worker]
	c.require(up, "%s, which is not up", describe(g))
	b.grants = append(b.grants, g)
}

// finished says that every task has finished and what is to be published still lies there.
func (c *checker) finished() bool {
	ok := len(c.run) == 0
	for k := range c.batch.programs {
		ok = ok && c.programFinished(k)
	}
	c.eachGranted(func(p place) {
		_, there := c.batch.out[p]
		ok = ok && (there || c.batch.published[p])
	})
	return ok
}

func (c *checker) programFinished(k int) bool {
	for i, st := range c.batch.programs[k] {
		for j := range st.Parts {
			if !c.batch.ever[place{k, i, j}] {
				return false
			}
		}
	}
	return true
}

func (c *checker) eachGranted(f func(place)) {
	for k, stages := range c.batch.programs {
		for i, st := range stages {
			for j := range st.Parts {
				if st.Granted {
					f(place{k, i, j})
				}
			}
		}
	}
}
