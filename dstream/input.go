package dstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"sync"

	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

const sourceKind = "Source"

// input is a source of a job.
type input struct {
	name string
	at   string
	url  string
	own  bool // made in code, by Read
	rows *codec.Codec
	open func(Endpoint) (Connector, error)

	conn  Connector
	spare sync.Pool // builders of tasks that are done
}

// Source is the stream of rows of the source that is configured under that name: `sources: {ads: "files:///feeds/ads"}`.
func (j *Job) Source[T any](name string) Stream[T] {
	at := rdd.CallSite()
	in := &input{name: name, at: at, url: j.settings.url(j.settings.Sources, name)}
	in.open = func(e Endpoint) (Connector, error) {
		open, err := opener(sources, "source", e.URL.Scheme)
		if err != nil {
			return nil, err
		}
		return open(e)
	}
	if in.url == "" {
		j.fail(at, sourceKind, notConfigured("sources", name, j.settings.Sources))
	}
	return addInput[T](j, in)
}

// Read is the stream of rows of a source that is made in code. Its name is the one that the checkpoint keeps its offsets under.
func (j *Job) Read[T any](name string, s Source[T]) Stream[T] {
	in := &input{name: name, at: rdd.CallSite(), own: true}
	in.open = func(Endpoint) (Connector, error) { return typedSource[T]{s}, nil }
	if s == nil {
		j.fail(in.at, sourceKind, errors.New("no source given"))
	}
	return addInput[T](j, in)
}

func addInput[T any](j *Job, in *input) Stream[T] {
	n := j.add(sourceKind, nil, func(c *cut, _ []*rdd.Node) *rdd.Node {
		r := rdd.Custom[none, T](sourceKind, len(c.plan.Sources[in.name].Parts), nil, func(t *rdd.Task, part int, _ []rdd.Seq) rdd.Seq {
			return read[T](t, in, part)
		})
		r.By = c.by
		return r
	})
	if n.name, n.at = in.name, in.at; in.name == "" {
		j.fail(in.at, sourceKind, errNoName)
	}
	in.rows, _ = codec.Of[T]()
	for _, other := range j.inputs {
		if other.name == in.name {
			j.fail(in.at, sourceKind, fmt.Errorf("the source %q is used at %s already: use that stream twice", in.name, other.at))
		}
	}
	j.inputs = append(j.inputs, in)
	return Stream[T]{checked[none, T](n)}
}

var errNoName = errors.New("it needs a name")

// endpoint resolves what a name stands for.
func endpoint(name, raw, scratch string, rows *codec.Codec) (Endpoint, error) {
	e := Endpoint{Name: name, Rows: rows}
	if scratch != "" {
		e.Scratch = filepath.Join(scratch, name)
	}
	if raw == "" {
		return e, nil
	}
	u, err := ParseURL(raw)
	if err != nil {
		// Not even the reason: it quotes pieces of the URL, which may be those of a password.
		return e, errors.New("its URL does not parse (it is not shown, since it may hold a secret): write scheme://user:password@host:port/path with reserved characters escaped, @ as %40")
	}
	e.URL = u
	return e, nil
}

// read yields the rows of a partition's splits, and balances each split.
func read[T any](t *rdd.Task, in *input, part int) rdd.Seq {
	return func(yield func(rdd.Chunk, error) bool) {
		env := envOf(t)
		splits := env.Plan.Sources[in.name].Parts[part]
		if len(splits) == 0 {
			return
		}
		b, err := builderOf[T](in, t.ChunkRows, func(c rdd.Chunk) bool { return yield(c, nil) })
		if err != nil {
			yield(nil, err)
			return
		}
		defer in.spare.Put(b)
		for _, s := range splits {
			if err := readSplit(t, env, in, s, b); err != nil {
				if !errors.Is(err, rdd.ErrStopped) {
					yield(nil, fmt.Errorf("source %q, split %s [%d, %d): %w", in.name, s.Name, s.From, s.To, err))
				}
				return
			}
		}
	}
}

// builderOf takes a builder that an earlier task has left, or makes one.
func builderOf[T any](in *input, full int, emit func(rdd.Chunk) bool) (*rdd.Builder, error) {
	if b, ok := in.spare.Get().(*rdd.Builder); ok {
		b.Reuse(emit)
		return b, nil
	}
	return rdd.NewBuilder[T](full, emit)
}

func readSplit(t *rdd.Task, env *Env, in *input, s Split, b *rdd.Builder) error {
	before, c := b.Rows, SplitCount{}
	r := &Reader{Builder: b, Reject: func(bad BadRecord) error {
		c.Rejected++
		return env.reject(in.name, bad)
	}}
	t.Split = s.Name
	fetched, err := in.conn.Read(t.Context, s, r)
	if err == nil {
		err = b.Flush() // before the next split, whose rows are noted under another name
	}
	if err != nil {
		return err
	}
	c.Fetched, c.Delivered = fetched, b.Rows-before
	t.Counts.In += c.Delivered
	if env.Splits == nil {
		env.Splits = map[string]SplitCount{}
	}
	was := env.Splits[in.name]
	env.Splits[in.name] = SplitCount{was.Fetched + c.Fetched, was.Delivered + c.Delivered, was.Rejected + c.Rejected}
	return nil
}

// BadRecordError is a record that cannot be decoded in a job that has no dead-letter sink.
type BadRecordError struct {
	Source string
	Bad    BadRecord
}

// Error says where the record stands, what is wrong with it, and its first 200 bytes.
func (e *BadRecordError) Error() string {
	shown := e.Bad.Bytes
	if len(shown) > 200 {
		shown = shown[:200]
	}
	return fmt.Sprintf("bad record in source %q at %s: %s: %q (set dead_letters in the configuration to put such records aside)", e.Source, e.Bad.Position, e.Bad.Reason, shown)
}

func (e *Env) reject(source string, bad BadRecord) error {
	if e.Reject == nil {
		return &BadRecordError{source, bad}
	}
	return e.Reject(DeadLetter{Source: source, Position: bad.Position, Reason: bad.Reason, Bytes: append([]byte(nil), bad.Bytes...), Batch: e.Plan.Batch})
}

// typedSource makes a connector of a user's source.
type typedSource[T any] struct{ s Source[T] }

// Plan asks the user's source.
func (s typedSource[T]) Plan(ctx context.Context, from Offsets, limit Limit) (Range, error) {
	return s.s.Plan(ctx, from, limit)
}

// Read passes the user's rows on.
func (s typedSource[T]) Read(ctx context.Context, split Split, to *Reader) (int64, error) {
	return copyRows(s.s.Read(ctx, split), to)
}

// copyRows moves a user's rows into the builder's.
func copyRows[T any](rows iter.Seq2[[]T, error], to *Reader) (fetched int64, err error) {
	for chunk, err := range rows {
		if err != nil {
			return fetched, err
		}
		fetched += int64(len(chunk))
		if err := rdd.Lend(to.Builder, chunk); err != nil {
			return fetched, err
		}
	}
	return fetched, nil
}

// Unwrap returns the user's source, for its optional methods.
func (s typedSource[T]) Unwrap() any { return s.s }

// optional finds an optional method of a source or sink, also behind our wrapper.
func optional[I any](v any) (I, bool) {
	if w, ok := v.(interface{ Unwrap() any }); ok {
		v = w.Unwrap()
	}
	i, ok := v.(I)
	return i, ok
}

func closeOf(v any) error {
	if c, ok := optional[io.Closer](v); ok {
		return c.Close()
	}
	return nil
}
