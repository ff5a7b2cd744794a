package fleet

import "sync"

// queue holds events until they are told. It has no bound of its own: what workers report is bounded by what the driver has asked of them.
type queue struct {
	mu     sync.Mutex
	events []Event
	closed bool
	more   chan struct{} // holds one token if there may be something to tell
}

func newQueue() *queue { return &queue{more: make(chan struct{}, 1)} }

// put adds events, in order. After close it drops them.
func (q *queue) put(events ...Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.events = append(q.events, events...)
	q.wake()
}

// close drops what nobody was told of.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.events = true, nil
	q.wake()
}

func (q *queue) wake() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// tell calls told with each event until close. It is the one goroutine that does.
func (q *queue) tell(told func(Event)) {
	for range q.more {
		for {
			e, ok, over := q.next()
			if over {
				return
			}
			if !ok {
				break
			}
			told(e)
		}
	}
}

func (q *queue) next() (e Event, ok, over bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, false, true
	}
	if len(q.events) == 0 {
		q.events = nil // the array was shortened from its front
		return nil, false, false
	}
	e = q.events[0]
	q.events[0] = nil
	q.events = q.events[1:]
	return e, true, false
}
