package executor

import (
	"context"
	"iter"
	"unsafe"

	"github.com/tidemill/tidemill/dstream"
)

// fixed is a source of rows; a split that starts before them gives a row without a name.
type fixed []row

func (f fixed) Plan(context.Context, dstream.Offsets, dstream.Limit) (dstream.Range, error) {
	return dstream.Range{}, nil
}

func (f fixed) Read(_ context.Context, s dstream.Split, to *dstream.Reader) (n int64, err error) {
	for i := s.From; i < s.To; i++ {
		r := (*row)(unsafe.Pointer(to.Row()))
		if i >= 0 {
			*r = f[i]
		}
		if err := to.Add(); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// counting is a sink that counts.
type counting struct{}

func (counting) Write(_ context.Context, _ dstream.WriteID, rows iter.Seq2[dstream.Output, error]) (r dstream.Receipt, err error) {
	for out, err := range rows {
		if err != nil {
			return r, err
		}
		r.Rows += out.Record.NumRows()
	}
	return r, nil
}
