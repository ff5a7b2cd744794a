package kafka

import (
	"context"
	"math"
	"math/bits"
	"time"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/dstream"
)

// shares divides a limit among partitions, in proportion to how many rows each has. Each that has rows gets one at least, so that
// none starves, and the sum exceeds the limit by no more than the number of partitions. 0 is no limit.
func shares(limit int64, lags []int64) []int64 {
	out := make([]int64, len(lags))
	var total int64
	for _, n := range lags {
		total += n
	}
	for i, n := range lags {
		out[i] = n
		if limit > 0 && total > limit && n > 0 {
			hi, lo := bits.Mul64(uint64(limit), uint64(n))
			share, _ := bits.Div64(hi, lo, uint64(total)) // limit < total, so that it fits
			out[i] = max(int64(share), 1)
		}
	}
	return out
}

// cut makes splits of the next n offsets of a partition. Many become several, of equal size, so that tasks can share them.
func (p *planned) cut(n, split int64) []dstream.Split {
	if n == 0 {
		return nil
	}
	pieces := min(max(n/split, 1), mostPieces)
	body := p.id[:]
	if p.id == (topicID{}) {
		body = nil
	}
	out := make([]dstream.Split, pieces)
	from := p.next
	for i := range pieces {
		size := n / pieces
		if i < n%pieces {
			size++
		}
		out[i] = dstream.Split{Name: p.name(), From: from, To: from + size, Body: body}
		from += size
	}
	return out
}

// mostPieces bounds the splits of a partition in one batch: more than tasks that run at the same time help nobody.
const mostPieces = 64

// rowWidth is about how many bytes an offset of the source stands for, and when that was found out.
type rowWidth struct {
	bytes float64
	at    time.Time
}

// rows is the limit in rows. Kafka does not say how many bytes lie between two offsets, so a limit in bytes goes by how many the next
// records have where most are waiting.
func (s *Source) rows(ctx context.Context, limit dstream.Limit, parts []*planned, lags []int64) (int64, error) {
	rows := limit.Rows
	if limit.Bytes <= 0 {
		return rows, nil
	}
	most := -1
	for i, n := range lags {
		if n > 0 && (most < 0 || n > lags[most]) {
			most = i
		}
	}
	if most < 0 {
		return rows, nil
	}
	if s.width.bytes == 0 || s.now().Sub(s.width.at) > s.refresh {
		bytes, err := s.measure(ctx, parts[most])
		if err != nil {
			return 0, err
		}
		s.width = rowWidth{bytes, s.now()}
	}
	fit := int64(math.Max(1, float64(limit.Bytes)/s.width.bytes))
	if rows == 0 || fit < rows {
		rows = fit
	}
	return rows, nil
}

// probeBytes is how much is fetched to find out how wide rows are.
const probeBytes = 64 << 10

// measure is how many bytes of keys and values an offset of a partition stands for.
func (s *Source) measure(ctx context.Context, p *planned) (float64, error) {
	f := s.fetcher(p.topic, p.number, p.next, p.end)
	defer f.close()
	f.ask = probeBytes
	b, err := f.next(ctx)
	if err != nil {
		return 0, err
	}
	bytes, offsets := 0, int64(0)
	if b != nil {
		bytes, offsets = size(b.RecordsSet)
	}
	return math.Max(float64(bytes)/math.Max(float64(offsets), 1), 1), nil
}

// size is how many bytes and offsets batches hold.
func size(sets []*sarama.Records) (bytes int, offsets int64) {
	for _, set := range sets {
		if set.RecordBatch == nil {
			continue
		}
		offsets += int64(set.RecordBatch.LastOffsetDelta) + 1
		for _, r := range set.RecordBatch.Records {
			bytes += len(r.Key) + len(r.Value)
		}
	}
	return bytes, offsets
}
