package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/tidemill/tidemill/connectors/format"
	"github.com/tidemill/tidemill/connectors/internal/param"
	"github.com/tidemill/tidemill/connectors/internal/publish"
	"github.com/tidemill/tidemill/dstream"
)

// Sink writes a file a partition and batch. It is safe for concurrent use.
type Sink struct {
	dir, extension string
	encoder        format.Encoder
	swept          atomic.Bool // this process has looked for what others left
}

// Folders of the sink within its own.
const (
	staging   = "_tmp"
	manifests = "_manifest"
)

func openSink(e dstream.Endpoint) (*Sink, error) {
	p := param.Of(e.URL)
	enc, err := format.OpenEncoder(e)
	if err != nil {
		return nil, err
	}
	dir, err := param.Path(e.URL)
	if err != nil {
		return nil, err
	}
	extension := map[string]string{"json": "ndjson", "csv": "csv", "text": "txt"}[p.OneOf("format", "json", "csv", "text")]
	if st, err := os.Stat(dir); err == nil && !st.IsDir() {
		return nil, fmt.Errorf("%s: %s is a file: name a folder", e.URL.Redacted(), dir)
	}
	return &Sink{dir: dir, extension: extension, encoder: enc}, nil
}

// Entry is a file of a manifest.
type Entry struct {
	Name   string `json:"name"` // within the folder
	Rows   int64  `json:"rows"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // in hex
}

// Manifest lists the files of a batch.
type Manifest struct {
	Job   string  `json:"job"`
	Sink  string  `json:"sink"`
	Batch int64   `json:"batch"`
	Epoch int64   `json:"epoch"`
	Files []Entry `json:"files"` // in the order of partitions
}

// Guarantee is ExactlyOnce, for readers of manifests.
func (s *Sink) Guarantee() dstream.Guarantee { return dstream.ExactlyOnce }

// Write writes a partition's file. Nobody reads it before a manifest lists it.
func (s *Sink) Write(ctx context.Context, id dstream.WriteID, rows iter.Seq2[dstream.Output, error]) (dstream.Receipt, error) {
	e, err := s.write(ctx, id, rows)
	if err != nil {
		return dstream.Receipt{}, err
	}
	if e.Rows == 0 {
		return dstream.Receipt{}, nil
	}
	body, err := json.Marshal(e)
	return dstream.Receipt{Rows: e.Rows, Body: body}, err
}

func (s *Sink) write(ctx context.Context, id dstream.WriteID, rows iter.Seq2[dstream.Output, error]) (Entry, error) {
	f, err := publish.Create(filepath.Join(s.dir, staging), fmt.Sprintf("e%d-b%d-p%d-a%d", id.Epoch, id.Batch, id.Partition, id.Attempt))
	if err != nil {
		return Entry{}, err
	}
	defer f.Discard()
	out := &counter{to: f, hash: sha256.New()}
	buf := s.encoder.Header(nil)
	for chunk, err := range rows {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return Entry{}, err
		}
		if buf, err = s.encoder.Append(buf, chunk.Record, chunk.Deleted); err != nil {
			return Entry{}, err
		}
		if _, err := out.Write(buf); err != nil {
			return Entry{}, fmt.Errorf("write into %s: %w", s.dir, err)
		}
		out.rows += chunk.Record.NumRows()
		buf = buf[:0]
	}
	if out.rows == 0 {
		return Entry{}, nil
	}
	sum := hex.EncodeToString(out.hash.Sum(nil))
	e := Entry{fmt.Sprintf("%s%05d-%s.%s", prefix(id.Batch), id.Partition, sum[:16], s.extension), out.rows, out.bytes, sum}
	return e, f.Commit(filepath.Join(s.dir, e.Name))
}

// prefix begins the names of a batch's files.
func prefix(batch int64) string { return fmt.Sprintf("%012d-", batch) }

// counter counts and hashes what is written.
type counter struct {
	to          io.Writer
	hash        hash.Hash
	rows, bytes int64
}

// Write passes bytes on.
func (c *counter) Write(b []byte) (int, error) {
	c.hash.Write(b)
	c.bytes += int64(len(b))
	return c.to.Write(b)
}

// Finish publishes the batch's manifest, and removes files that other attempts have left.
func (s *Sink) Finish(_ context.Context, id dstream.WriteID, receipts []dstream.Receipt) error {
	m := Manifest{Job: id.Job, Sink: id.Sink, Batch: id.Batch, Epoch: id.Epoch, Files: []Entry{}}
	for i, r := range receipts {
		if r.Rows == 0 {
			continue
		}
		var e Entry
		if err := json.Unmarshal(r.Body, &e); err != nil {
			return fmt.Errorf("receipt of partition %d is not of this sink: %w", i, err)
		}
		m.Files = append(m.Files, e)
	}
	folder := filepath.Join(s.dir, manifests)
	if err := publish.Folder(folder); err != nil {
		return err
	}
	if err := s.fence(folder, id); err != nil {
		return err
	}
	path := filepath.Join(folder, manifestName(id.Batch))
	_, before := os.Stat(path)
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := publish.Put(filepath.Join(s.dir, staging), path, append(text, '\n')); err != nil {
		return err
	}
	if before != nil && s.swept.Swap(true) {
		return nil // only a batch that is redone, perhaps by another process, can have left files
	}
	return s.sweep(m)
}

func manifestName(batch int64) string { return strings.TrimSuffix(prefix(batch), "-") + ".json" }

// newest is the file, beside the manifests, that says which epoch has published last.
const newest = "_epoch"

// fence refuses an epoch that is older than one that has published, and remembers it otherwise.
func (s *Sink) fence(folder string, id dstream.WriteID) error {
	path := filepath.Join(folder, newest)
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	var epoch int64
	if err == nil {
		if epoch, err = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err != nil {
			return fmt.Errorf("file %s does not hold an epoch: %w", path, err)
		}
	}
	switch {
	case epoch > id.Epoch:
		return fmt.Errorf("epoch %d has published to %s, so epoch %d may not: another driver took over; if the job was started over on purpose, name another folder", epoch, s.dir, id.Epoch)
	case epoch == id.Epoch && err == nil:
		return nil
	}
	return publish.Put(filepath.Join(s.dir, staging), path, strconv.AppendInt(nil, id.Epoch, 10))
}

// sweep removes the batch's files that its manifest does not list.
func (s *Sink) sweep(m Manifest) error {
	listed := map[string]bool{}
	for _, e := range m.Files {
		listed[e.Name] = true
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if listed[e.Name()] || !strings.HasPrefix(e.Name(), prefix(m.Batch)) {
			continue
		}
		if err := os.Remove(filepath.Join(s.dir, e.Name())); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
