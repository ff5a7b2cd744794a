package simulate

import "github.com/tidemill/tidemill/driver/schedule"

// strike lets something go wrong, now and again until all is calm.
func (w *world) strike() {
	if w.now >= w.calm {
		w.settle()
		return
	}
	w.after(w.upTo(50*ms), w.strike)
	d, x := w.newest(), w.workers[w.rng.IntN(len(w.workers))]
	switch w.rng.IntN(14) {
	case 0:
		d.die()
	case 1, 2:
		w.pauseDriver(d)
	case 3:
		w.meet("takeover")
		w.start()
	case 4:
		d.view.dieAt = d.view.calls + 1 + w.rng.IntN(30)
	case 5:
		w.meet("takeover in a call")
		d.view.stopAt, d.view.stop = d.view.calls+1+w.rng.IntN(15), w.startNow
	case 6, 7, 8:
		x.die()
	case 9, 10:
		w.pauseWorker(x)
	case 11, 12:
		if x.stream != nil {
			x.stream.cut()
		}
	default:
		w.disturb(x)
	}
}

// settle lets everyone run who is only paused.
func (w *world) settle() {
	for _, x := range w.workers {
		x.slots = max(x.slots, 1)
		if x.paused {
			x.resume()
		}
		if s := x.stream; s != nil && s.up {
			s.d.run(func() { s.d.step(schedule.WorkerSlots{Worker: s.name, Slots: x.slots}) })
		}
	}
	for _, d := range w.drivers {
		d.view.dieAt, d.view.stop = 0, nil
		if d.paused && !d.dead {
			d.resume()
		}
	}
	w.supervise()
}

// pauseDriver stops a driver for a while, in which another may take over.
func (w *world) pauseDriver(d *driver) {
	if d.dead || d.paused {
		return
	}
	w.meet("driver paused")
	w.say("pause driver", int64(d.id))
	d.paused = true
	w.after(w.upTo(120*ms), func() {
		if d.paused {
			d.resume()
		}
	})
	if w.chance(70) {
		w.after(silence, w.start)
	}
}

func (w *world) pauseWorker(x *worker) {
	if x.down || x.paused {
		return
	}
	w.meet("worker paused")
	w.say("pause worker", int64(x.id))
	x.paused = true
	life := x.life
	w.after(silence, func() {
		if x.life == life && x.paused && x.stream != nil {
			x.stream.cut()
		}
	})
	w.after(w.upTo(120*ms), func() {
		if x.life == life && x.paused {
			x.resume()
		}
	})
}

// disturb changes a worker's slots, or sends it away in order.
func (w *world) disturb(x *worker) {
	s := x.stream
	if s == nil || !s.up {
		return
	}
	if w.chance(40) {
		s.d.run(func() { s.d.step(schedule.WorkerDraining{Worker: s.name}) })
		return
	}
	x.slots = w.rng.IntN(4)
	s.d.run(func() { s.d.step(schedule.WorkerSlots{Worker: s.name, Slots: x.slots}) })
}
