package dstream_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/dstream"
)

// pointed is a source whose opener returns a nil pointer beside its error, as `return openIt(e)` does.
type pointed struct{ closed bool }

func (p *pointed) Plan(context.Context, dstream.Offsets, dstream.Limit) (dstream.Range, error) {
	return dstream.Range{}, nil
}

func (p *pointed) Read(context.Context, dstream.Split, *dstream.Reader) (int64, error) { return 0, nil }

// Close panics on a nil pointer.
func (p *pointed) Close() error { p.closed = true; return nil }

func TestCloseAfterASourceThatDidNotOpen(t *testing.T) {
	open := func(dstream.Endpoint) (*pointed, error) { return nil, errors.New("no such topic") }
	dstream.RegisterSource("pointed", func(e dstream.Endpoint) (dstream.Connector, error) { return open(e) })
	g, err := dstream.Build(func(job *dstream.Job) { job.Source[string]("lines").Print(1) }, "j", dstream.Settings{Sources: map[string]string{"lines": "pointed:"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Open(dstream.Place{}); err == nil || !strings.Contains(err.Error(), `source "lines": no such topic`) {
		t.Errorf("got %v", err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
}

func TestPermanent(t *testing.T) {
	why := errors.New("wrong password")
	err := dstream.Permanent(why)
	if !errors.Is(err, dstream.ErrPermanent) || !errors.Is(err, why) || err.Error() != "wrong password" {
		t.Errorf("got %v", err)
	}
	if dstream.Permanent(nil) != nil || dstream.Permanent(err) != err {
		t.Error("nil or what is permanent already was changed")
	}
}
