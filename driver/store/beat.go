package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// released is the word in the beat of a driver that left in order.
const released = "released"

// beat writes the next count. All bodies are 32 bytes long.
func (l *Lock) beat(word string) error {
	return l.store.Beat(l.self.Epoch.beat(), fmt.Appendf(nil, "%020d %10s\n", l.beats.Add(1), word))
}

// run beats until Release. A beat that cannot be written is not an error of the
// job: at worst another driver takes the checkpoint, which Check finds.
func (l *Lock) run(every time.Duration) {
	defer close(l.done)
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-t.C:
		}
		if errors.Is(l.look(), ErrFenced) {
			close(l.lost)
			<-l.stop
			return
		}
		_ = l.beat("beating")
	}
}

// watch returns nil when the beat of last has stood still for o.Patience, or
// says that it was released, and *HeldError when it moves or another driver
// claims the next epoch meanwhile.
func watch(ctx context.Context, s Store, o LockOptions, last Holder) error {
	var p pulse
	t := time.NewTicker(o.Interval)
	defer t.Stop()
	for {
		gone, err := p.feel(s, last.Epoch, o.Patience)
		switch {
		case err != nil, gone:
			return err
		case p.moved:
			return &HeldError{Place: s.String(), Holder: last, Why: "its heartbeat moves"}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the heartbeat of %s on checkpoint %s: %w", last, s, context.Cause(ctx))
		case <-t.C:
		}
	}
}

// pulse is what was seen of the beat of one driver, on the clock of who looks.
type pulse struct {
	felt  bool
	beat  []byte
	since time.Time // beat is what it is
	moved bool
}

// feel looks at the beat. The driver is gone if it left in order, or if its beat
// has stood still for patience.
func (p *pulse) feel(s Store, e Epoch, patience time.Duration) (gone bool, err error) {
	now, err := readBeat(s, e)
	switch {
	case err != nil:
		return false, err
	case bytes.HasSuffix(now, []byte(released+"\n")):
		return true, nil
	case !p.felt || !bytes.Equal(p.beat, now):
		p.moved = p.felt
		p.felt, p.beat, p.since = true, now, time.Now()
		return false, nil
	}
	return time.Since(p.since) >= patience, nil
}

// readBeat returns nothing for a driver that died before its first beat.
func readBeat(s Store, e Epoch) ([]byte, error) {
	b, err := ReadFile(s, e.beat())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the heartbeat of epoch %d: %w", e, err)
	}
	return b, nil
}
