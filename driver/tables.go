package driver

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
)

// frozenTables keeps tables in the checkpoint, by the digest of their rows, so that a batch which is redone sees the rows that its
// plan named even if the table has changed since.
type frozenTables struct{ st store.Store }

func tableFile(digest string) string { return "tables/" + digest }

// freeze reads the tables of a graph and keeps each; the result goes into plans.
func (f frozenTables) freeze(ctx context.Context, g *dstream.Graph, p dstream.Place) (map[string]string, error) {
	out := map[string]string{}
	for _, t := range g.Tables() {
		recs, err := t.Freeze(ctx, p)
		if err != nil {
			return nil, err
		}
		var body []byte
		for _, rec := range recs {
			if body, err = codec.AppendFrame(body, rec); err != nil {
				return nil, fmt.Errorf("%s: table %q: %w", t.At, t.Name, err)
			}
		}
		sum := sha256.Sum256(body)
		digest := hex.EncodeToString(sum[:16])
		if out[t.Name] = digest; f.has(digest) {
			continue
		}
		if err := store.WriteFile(f.st, tableFile(digest), body); err != nil {
			return nil, fmt.Errorf("keep table %q: %w", t.Name, err)
		}
	}
	return out, nil
}

func (f frozenTables) has(digest string) bool {
	_, err := f.st.Stat(tableFile(digest))
	return err == nil
}

// Rows returns the rows of a frozen table.
func (f frozenTables) Rows(digest string) ([]arrow.Record, error) {
	body, err := store.ReadFile(f.st, tableFile(digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the checkpoint has no table %s any more: start over with --fresh", digest)
	}
	if err != nil {
		return nil, err
	}
	var out []arrow.Record
	for r := bytes.NewReader(body); ; {
		rec, err := codec.ReadFrame(r, codec.Limits{})
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", digest, err)
		}
		out = append(out, rec)
	}
}

// collect removes the tables that no plan can name any more.
func (f frozenTables) collect(live map[string]string) error {
	used := map[string]bool{}
	for _, digest := range live {
		used[tableFile(digest)] = true
	}
	entries, err := f.st.List("tables")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !used[e.Name] {
			if err := f.st.Remove(e.Name); err != nil {
				return err
			}
		}
	}
	return nil
}
