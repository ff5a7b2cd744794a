package transact

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/connectors/kafka/broker"
	"github.com/tidemill/tidemill/dstream"
)

// Options say where and how a Writer writes.
type Options struct {
	Cluster *broker.Cluster // which may be shared, and is not closed
	Topic   string
	ID      string                  // transactional id, and group of the marker; empty = no transactions
	Codec   sarama.CompressionCodec // of record batches; default none
	// Timeout is after how long the coordinator gives up a transaction that is open; 0 = 60 s. Until then readers do not see what
	// others write behind it. Brokers refuse more than their transaction.max.timeout.ms, 15 minutes by default.
	Timeout time.Duration
	// Hold is how many bytes of records are kept before a transaction is opened, and how large one may be that is written again
	// from the start; 0 = 16 MiB.
	Hold int
}

func (o Options) withDefaults() Options {
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	if o.Hold == 0 {
		o.Hold = 16 << 20
	}
	return o
}

// fresh is how long metadata is used before a transaction asks for it anew, so that new partitions are found.
const fresh = time.Minute

// Writer writes transactions under one transactional id, one after the other. One goroutine uses it at a time. All its methods
// wait for brokers that are away, with back-off, until their context ends, and tell dstream.Waiting what for. Errors that no retry mends wrap
// dstream.ErrPermanent.
type Writer struct {
	o    Options
	link link

	producer  producer
	producing bool   // the producer can be used
	suspect   bool   // an answer was lost: the producer epoch must end with this transaction
	last      Marker // of the id, as far as we know; nobody else can change it without fencing us
	txn       *transaction
}

// producer is what InitProducerId gives.
type producer struct {
	id        int64
	epoch     int16
	sequences map[int32]int32 // the next of each partition
}

// New returns a Writer. It asks nobody yet.
func New(o Options) *Writer {
	o = o.withDefaults()
	return &Writer{o: o, link: link{o: o, coordinators: map[sarama.CoordinatorType]string{}}}
}

// Partitions is how many partitions the topic has, as Begin has found out.
func (w *Writer) Partitions() int { return len(w.link.leaders) }

// Last returns the marker of the id, the zero Marker if there is none, and changes nothing. It does not wait for the end of a transaction
// that is open: of a writer that was killed, only Begin ends it.
func (w *Writer) Last(ctx context.Context) (m Marker, err error) {
	err = w.final(ctx, w.persist(ctx, func() error { m, err = w.readMarker(ctx, false); return err }))
	return m, err
}

// settling is how long a topic that was made a moment ago may not be known to every broker.
const settling = 500 * time.Millisecond

// Learn asks for the topic and returns the number of its partitions. A topic that is not there is a permanent error that is
// sarama.ErrUnknownTopicOrPartition.
func (w *Writer) Learn(ctx context.Context) (int, error) {
	began := time.Now()
	err := w.persist(ctx, func() error {
		err := w.link.learn(ctx)
		if errors.Is(err, sarama.ErrUnknownTopicOrPartition) && time.Since(began) > settling {
			err = dstream.Permanent(fmt.Errorf("%w: create it first, or correct the URL", err))
		}
		return err
	})
	return w.Partitions(), w.final(ctx, err)
}

// Begin begins the write m, and reports whether it was made already: then there is nothing to Add and to Commit. It fences earlier
// owners of the id if this is the first write of the Writer or of its epoch.
func (w *Writer) Begin(ctx context.Context, m Marker) (written bool, err error) {
	w.txn = &transaction{marker: m, joined: map[int32]bool{}}
	if time.Since(w.link.learned) > fresh {
		if err := w.persist(ctx, func() error { return w.link.learn(ctx) }); err != nil {
			return false, w.final(ctx, err)
		}
	}
	err = w.run(ctx, func() error { return w.open(ctx) })
	return w.txn.written, w.final(ctx, err)
}

// open makes the producer ready for the transaction that has begun, and finds out whether it was made.
func (w *Writer) open(ctx context.Context) (err error) {
	if !w.producing || w.suspect {
		if err := w.init(ctx); err != nil {
			return err
		}
	}
	if w.o.ID == "" {
		return nil
	}
	if w.txn.written, err = w.last.holds(w.o.ID, w.txn.marker); err != nil || w.last.Epoch == w.txn.marker.Epoch {
		return err
	}
	claim := w.last
	claim.Epoch = w.txn.marker.Epoch
	if err := w.end(ctx, claim); err != nil {
		return err
	}
	w.last = claim
	return nil
}

// Commit makes the records that were added visible, with the marker; without any it does nothing. After an error they are not visible,
// unless another attempt at the same write has made them so.
func (w *Writer) Commit(ctx context.Context) error {
	t := w.txn
	if len(t.queue) == 0 && !t.streamed {
		return nil
	}
	err := w.run(ctx, func() error {
		if err := w.send(ctx, t.queue); err != nil || w.o.ID == "" {
			return err
		}
		return w.end(ctx, t.marker)
	})
	if err == nil && !t.written {
		w.last = t.marker
	}
	if err == nil {
		w.txn = nil
	}
	return w.final(ctx, err)
}

// Abort gives the transaction up. What was added is never seen; without a transactional id, what was sent is.
func (w *Writer) Abort() {
	t := w.txn
	w.txn = nil
	if t == nil || !t.open || !w.producing {
		return // whoever takes the id over next aborts it, or its timeout does
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second) // the write's own context may have ended
	defer cancel()
	if w.suspect {
		_ = w.takeOver(ctx) // fences off what may still be on its way, which an abort would not
	} else {
		w.producing = w.endTxn(ctx, false) == nil
	}
}

// run repeats a step of the transaction with a new producer, as often as the one that it has turns out to be broken. It ends as well
// when it turns out that the write was made.
func (w *Writer) run(ctx context.Context, step func() error) error {
	var pause broker.Patience
	defer pause.Over()
	for !w.txn.written {
		err := step()
		if err == nil {
			return nil
		}
		if err := w.renew(ctx, &pause, err); err != nil {
			return err
		}
	}
	return nil
}

// renew opens the transaction again with a new producer if err says that the old one is broken, and else returns err.
func (w *Writer) renew(ctx context.Context, pause *broker.Patience, err error) error {
	for err != nil { // opening may break too: somebody else may be opening
		if ctx.Err() != nil || classOf(err) != broken {
			return err
		}
		w.producing = false
		w.txn.again()
		if err := pause.Wait(ctx, err); err != nil {
			return err
		}
		err = w.open(ctx)
	}
	if w.txn.streamed && !w.txn.written {
		return ErrBroken
	}
	return nil
}

// persist repeats a step until it succeeds, is refused, breaks the producer, or its context ends.
func (w *Writer) persist(ctx context.Context, step func() error) error {
	var pause broker.Patience
	defer pause.Over()
	for {
		err := step()
		if err == nil {
			return nil
		}
		c := classOf(err)
		w.suspect = w.suspect || c == lost || ctx.Err() != nil
		if c == refused || c == broken {
			return err
		}
		if !busy(err) {
			w.link.forget()
		}
		if err := pause.Wait(ctx, err); err != nil {
			return err
		}
	}
}

// final is the error of a method as its caller gets it.
func (w *Writer) final(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, ErrBroken):
		return err
	}
	return explained(w.o, err)
}
