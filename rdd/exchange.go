package rdd

import "fmt"

// Exchange moves rows between partitions: each partition of the parent is written as one bucket for each partition of the
// child, and the child's partition p reads bucket p of all of them, in map order. That order is what makes a recomputed
// partition equal to the lost one.
type Exchange struct {
	Parent  *Node
	Buckets int
	By      string // what decides the bucket, for explain: "key", "round robin"

	// scatter writes the chunks of one partition of the parent into the task's buckets and counts them as sent.
	scatter func(t *Task, part int, in Seq) error
}

// exchangeNode makes the reading side; its rows have the parent's types.
func exchangeNode[K, V any](kind string, x *Exchange) *Node {
	n := newNode[K, V](kind)
	n.Parts, n.exchange, n.By = x.Buckets, x, x.Parent.By
	return n
}

// PartitionBy moves each row to the partition of its key's token.
func (k Keyed[K, V]) PartitionBy(p *Partitioner) Keyed[K, V] {
	return Keyed[K, V]{ExchangeByKey[K, V](k.n, "PartitionBy", p, nil)}
}

// ExchangeByKey moves rows by the token of their key; the token travels with the row. weigh tells how many of the user's rows
// one row stands for, for the ledger (nil = one); partial sums carry their count.
func ExchangeByKey[K comparable, V any](p *Node, kind string, by *Partitioner, weigh func(V) int64) *Node {
	n := exchangeNode[K, V](kind, &Exchange{Parent: p, Buckets: by.Parts, By: "key"})
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
			for i, token := range ts {
				if err := w.add(by.Of(token), rows, i, token); err != nil {
					return err
				}
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
func (r RDD[T]) Repartition(parts int) RDD[T] {
	n := exchangeNode[None, T]("Repartition", &Exchange{Parent: r.n, Buckets: max(parts, 1), By: "round robin"})
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
			for i := range rows.Vals {
				if err := w.add(next, rows, i, 0); err != nil {
					return err
				}
				if next++; next == parts {
					next = 0
				}
			}
			count(&t.Counts, rows, nil)
		}
		return w.close()
	}
	return RDD[T]{n}
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
}

func newScatter[K, V any](t *Task, buckets int) *scatter[K, V] {
	t.Counts.Sent = make([]int64, buckets)
	return &scatter[K, V]{t, make([]*Rows[K, V], buckets)}
}

func (w *scatter[K, V]) add(bucket int, in *Rows[K, V], i int, token int64) error {
	b := w.buckets[bucket]
	if b == nil {
		b = &Rows[K, V]{}
		w.buckets[bucket] = b
	}
	b.take(in, i)
	if in.Keys != nil {
		b.Tokens = append(b.Tokens, token)
	}
	w.t.Counts.Sent[bucket]++
	if len(b.Vals) < w.t.ChunkRows {
		return nil
	}
	w.buckets[bucket] = nil
	return w.t.append(bucket, b.seal())
}

func (w *scatter[K, V]) close() error {
	for i, b := range w.buckets {
		if b == nil {
			continue
		}
		if err := w.t.append(i, b.seal()); err != nil {
			return err
		}
	}
	return nil
}

func (t *Task) append(bucket int, c Chunk) error {
	t.Counts.Bytes += c.Bytes()
	return t.Blocks.Append(t, bucket, c)
}
