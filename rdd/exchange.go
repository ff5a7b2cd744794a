package rdd

import (
	"fmt"
	"strings"
	"unsafe"

	"github.com/tidemill/tidemill/rdd/codec"
)

// Exchange moves rows between partitions: each partition of the parent is written as one bucket for each partition of the
// child, and the child's partition p reads bucket p of all of them, in map order. That order is what makes a recomputed
// partition equal to the lost one.
type Exchange struct {
	Parent  *Node
	Buckets int
	By      string // what decides the bucket, for explain: "key", "round robin"

	to *Partitioner // by key: of the tokens

	// scatter writes the chunks of one partition of the parent into the task's buckets and counts them as sent.
	scatter func(t *Task, part int, in Seq) error
}

// exchangeNode makes the reading side; its rows have the parent's types.
func exchangeNode[K, V any](kind string, x *Exchange) *Node {
	n := newNode[K, V](kind)
	n.Parts, n.exchange, n.By = x.Buckets, x, x.Parent.By
	return n
}

// PartitionBy moves each row to the partition of its key's token. Exchanges below it use the same partitioner.
func (k Keyed[K, V]) PartitionBy[_ lazy](p *Partitioner) Keyed[K, V] {
	n := ExchangeByKey[K, V](k.n, "PartitionBy", p, nil)
	n.By = p
	return Keyed[K, V]{n}
}

// ExchangeByKey moves rows by the token of their key; the token travels with the row. weigh tells how many of the user's rows
// one row stands for, for the ledger (nil = one); partial sums carry their count.
func ExchangeByKey[K comparable, V any](p *Node, kind string, by *Partitioner, weigh func(V) int64) *Node {
	n := exchangeNode[K, V](kind, &Exchange{Parent: p, Buckets: by.Parts, By: "key", to: by})
	hash := keyToken[K](n)
	n.exchange.scatter = func(t *Task, part int, in Seq) error {
		w := newScatter[K, V](t, by.Parts)
		var buf []int64
		for c, err := range in {
			if err != nil {
				return err
			}
			rows := c.(*Rows[K, V])
			ts := tokens(rows, hash, &buf)
			w.dest = Sized(w.dest, len(rows.Vals))
			by.place(ts, w.dest)
			if err := w.add(rows, ts); err != nil {
				return err
			}
			count(&t.Counts, rows, weigh)
		}
		return w.close()
	}
	return n
}

// Repartition spreads the rows evenly over parts partitions, without regard to keys. Row i of partition p goes to bucket
// (p+i) mod parts: since a partition's rows and their order are a function of its lineage, so is this, and a partition that is
// computed again gives the same rows to the same buckets.
func (r RDD[T]) Repartition[_ lazy](parts int) RDD[T] {
	return RDD[T]{Repartition[T](r.n, parts)}
}

// Repartition is RDD.Repartition of a node.
func Repartition[T any](p *Node, parts int) *Node {
	n := exchangeNode[None, T]("Repartition", &Exchange{Parent: p, Buckets: max(parts, 1), By: "round robin"})
	if parts < 1 {
		n.Failed(fmt.Errorf("%d partitions: it takes at least one", parts))
	}
	n.exchange.scatter = func(t *Task, part int, in Seq) error {
		w, next := newScatter[None, T](t, parts), part%parts
		for c, err := range in {
			if err != nil {
				return err
			}
			rows := c.(*Rows[None, T])
			w.dest = Sized(w.dest, len(rows.Vals))
			for i := range w.dest {
				w.dest[i] = int32(next)
				if next++; next == parts {
					next = 0
				}
			}
			if err := w.add(rows, nil); err != nil {
				return err
			}
			count(&t.Counts, rows, nil)
		}
		return w.close()
	}
	return n
}

// RepartitionBy moves each row to the partition of the token of some of its columns. The tokens do not travel on. Rows of equal values come
// to one partition, in map order.
func RepartitionBy[T any](p *Node, by *Partitioner, columns []string) *Node {
	n := exchangeNode[None, T]("RepartitionBy", &Exchange{Parent: p, Buckets: by.Parts, By: strings.Join(columns, ", "), to: by})
	hash, err := columnsToken[T](columns)
	if err != nil {
		n.Failed(err)
		return n
	}
	n.exchange.scatter = func(t *Task, _ int, in Seq) error {
		w := newScatter[None, T](t, by.Parts)
		var tokens []int64
		for c, err := range in {
			if err != nil {
				return err
			}
			rows := c.(*Rows[None, T])
			tokens, w.dest = Sized(tokens, len(rows.Vals)), Sized(w.dest, len(rows.Vals))
			hash(rows.Vals, tokens)
			by.place(tokens, w.dest)
			if err := w.add(rows, nil); err != nil {
				return err
			}
			count(&t.Counts, rows, nil)
		}
		return w.close()
	}
	return n
}

func columnsToken[T any](columns []string) (func(rows []T, tokens []int64), error) {
	c, err := codec.Of[T]()
	if err != nil {
		return nil, err
	}
	hash, err := c.FieldsToken(columns)
	if err != nil {
		return nil, err
	}
	return func(rows []T, tokens []int64) {
		hash(unsafe.Pointer(unsafe.SliceData(rows)), len(rows), tokens)
	}, nil
}

func count[K, V any](c *Counts, rows *Rows[K, V], weigh func(V) int64) {
	if weigh == nil {
		c.Out += int64(len(rows.Vals))
		return
	}
	for i := range rows.Vals {
		c.Out += weigh(rows.Vals[i])
	}
}

// scatter collects the rows of each bucket into chunks that the block store may keep.
type scatter[K, V any] struct {
	t       *Task
	buckets []*Rows[K, V]
	dest    []int32 // bucket of each row of the chunk at hand
	counts  []int   // of its rows by bucket
	last    []int   // rows of each bucket's last chunk: as many are to be expected of the next
}

func newScatter[K, V any](t *Task, buckets int) *scatter[K, V] {
	t.Counts.Sent = make([]int64, buckets)
	return &scatter[K, V]{t: t, buckets: make([]*Rows[K, V], buckets), counts: make([]int, buckets), last: make([]int, buckets)}
}

// add sends row i of in to bucket w.dest[i], a column at a time. Buckets that are full then are given away.
func (w *scatter[K, V]) add(in *Rows[K, V], tokens []int64) error {
	clear(w.counts)
	for _, d := range w.dest {
		w.counts[d]++
	}
	for d, n := range w.counts {
		if n > 0 {
			w.t.Counts.Sent[d] += int64(n)
			if err := w.room(d, n, in); err != nil {
				return err
			}
		}
	}
	for i, d := range w.dest {
		b := w.buckets[d]
		b.Vals = append(b.Vals, in.Vals[i])
	}
	if in.Keys != nil {
		if w.t.Counts.Digests == nil {
			w.t.Counts.Digests = make([]uint64, len(w.buckets))
		}
		digests := w.t.Counts.Digests
		for i, d := range w.dest {
			b := w.buckets[d]
			b.Keys, b.Tokens = append(b.Keys, in.Keys[i]), append(b.Tokens, tokens[i])
			digests[d] = digests[d]*digestFactor + uint64(tokens[i])
		}
	}
	if in.Times != nil {
		for i, d := range w.dest {
			b := w.buckets[d]
			b.Times = append(b.Times, in.Times[i])
		}
	}
	for d, n := range w.counts {
		if n > 0 && len(w.buckets[d].Vals) >= w.t.ChunkRows {
			if err := w.send(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// digestFactor is odd, so that no token before is forgotten: 2⁶⁴ divided by the golden ratio, as in Fibonacci hashing (Knuth, volume 3, 6.4).
const digestFactor = 0x9E3779B97F4A7C15

// room makes room for n rows of in in a bucket. Rows with and without event times, which a union can mix, need chunks of their
// own.
func (w *scatter[K, V]) room(d, n int, in *Rows[K, V]) error {
	if b := w.buckets[d]; b != nil && (b.Times != nil) != (in.Times != nil) {
		if err := w.send(d); err != nil {
			return err
		}
	}
	b := w.buckets[d]
	if b == nil {
		b = &Rows[K, V]{}
		w.buckets[d] = b
		n = max(n, w.last[d])
	}
	b.Vals = grow(b.Vals, n)
	if in.Keys != nil {
		b.Keys, b.Tokens = grow(b.Keys, n), grow(b.Tokens, n)
	}
	if in.Times != nil {
		b.Times = grow(b.Times, n)
	}
	return nil
}

// grow makes room for n more elements: twice what there is, since a bucket that was not full yet will mostly fill, and a column
// of 4,096 rows that grows by a quarter is copied ten times.
func grow[E any](s []E, n int) []E {
	if len(s)+n <= cap(s) {
		return s
	}
	return append(make([]E, 0, max(len(s)+n, 2*cap(s))), s...)
}

// send gives the rows of a bucket away.
func (w *scatter[K, V]) send(d int) error {
	b := w.buckets[d]
	w.buckets[d], w.last[d] = nil, len(b.Vals)
	return w.t.append(d, lost(b.seal()))
}

func (w *scatter[K, V]) close() error {
	for d, b := range w.buckets {
		if b != nil {
			if err := w.send(d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Task) append(bucket int, c Chunk) error {
	t.Counts.Bytes += c.Bytes()
	return t.Blocks.Append(t, bucket, c)
}
