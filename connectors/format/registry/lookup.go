package registry

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/tidemill/tidemill/dstream"
)

const (
	maxAttempts   = 4 // without a context to wait with
	maxReferences = 1000
	maxDepth      = 32
)

// lookup asks for one schema, with what it refers to. It waits for a registry that is away.
type lookup struct {
	*client
	ctx     context.Context
	patient bool // wait until ctx ends
	kind    string
	seen    map[reference]bool
	out     []Reference
}

// schema returns the schema of an id. The error is an *unknownError if there will be none that helps.
func (l *lookup) schema(id uint32) (*Schema, error) {
	name := "schema id " + strconv.FormatUint(uint64(id), 10)
	a, err := l.ask("schemas", "ids", strconv.FormatUint(uint64(id), 10))
	if err != nil {
		return nil, named(name+" ", err)
	}
	if kind := a.kind(); kind != l.kind {
		return nil, &unknownError{fmt.Sprintf("%s is a schema of type %s, not %s%s", name, kind, l.kind, advice[kind])}
	}
	l.seen = map[reference]bool{}
	if err := l.refer(a.References, 1); err != nil {
		return nil, named(name+": ", err)
	}
	return &Schema{Name: name, Text: *a.Schema, References: l.out}, nil
}

var advice = map[string]string{"AVRO": ": use format=avro", "PROTOBUF": ": use format=protobuf"}

func (a *answer) kind() string {
	if a.SchemaType == "" {
		return "AVRO"
	}
	return a.SchemaType
}

// named says of which schema something is unknown.
func named(name string, err error) error {
	if u, ok := errors.AsType[*unknownError](err); ok {
		return &unknownError{name + u.what}
	}
	return err
}

// refer appends what refs name, each behind what it refers to itself.
func (l *lookup) refer(refs []reference, depth int) error {
	if len(refs) > 0 && depth > maxDepth {
		return &unknownError{fmt.Sprintf("its references are deeper than %d", maxDepth)}
	}
	for _, r := range refs {
		if l.seen[r] {
			continue
		}
		l.seen[r] = true
		if len(l.seen) > maxReferences {
			return &unknownError{fmt.Sprintf("it has more than %d references", maxReferences)}
		}
		a, err := l.ask("subjects", r.Subject, "versions", strconv.Itoa(r.Version))
		if err != nil {
			return named(fmt.Sprintf("version %d of subject %q, which it refers to, ", r.Version, r.Subject), err)
		}
		if err := l.refer(a.References, depth+1); err != nil {
			return err
		}
		l.out = append(l.out, Reference{r.Name, *a.Schema})
	}
	return nil
}

// ask is client.get of a registry that may be away for a while.
func (l *lookup) ask(elem ...string) (*answer, error) {
	pause := l.first
	for attempt := 1; ; attempt++ {
		a, err := l.get(l.ctx, elem...)
		away, is := errors.AsType[*awayError](err)
		if !is {
			return a, err
		}
		if !l.patient && attempt == maxAttempts {
			return nil, fmt.Errorf("%w, %d times", away, attempt)
		}
		if err := rest(l.ctx, away.what, pause); err != nil {
			return nil, err
		}
		pause = min(2*pause, l.most)
	}
}

func rest(ctx context.Context, what string, pause time.Duration) error {
	defer dstream.Waiting(ctx, what)()
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
