package cluster

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/tidemill/tidemill/driver/report"
)

// page is the most batches that one answer of the page's API holds.
const page = 1000

// fetch asks the driver for its latest batches below a number, 0 = all, newest first. Unlike the log's copies their timelines end when COMMIT was
// durable.
func (s *stand) fetch(n int, before int64) (out []*report.Batch, err error) {
	url := fmt.Sprintf("%s/api/v1/batches?n=%d", s.page, n)
	if before > 0 {
		url += fmt.Sprintf("&before=%d", before)
	}
	c := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	a, err := c.Get(url)
	if err != nil {
		return nil, fmt.Errorf("ask the driver for its batches: %w", err)
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask the driver for its batches: %s", a.Status)
	}
	if err := json.NewDecoder(a.Body).Decode(&out); err != nil {
		return nil, fmt.Errorf("read the driver's batches: %w", err)
	}
	return out, nil
}

// reports are those of all batches so far, oldest first.
func (s *stand) reports() (out []*report.Batch, err error) {
	for before := int64(0); ; {
		got, err := s.fetch(page, before)
		if err != nil {
			return nil, err
		}
		out = append(out, got...)
		if len(got) < page {
			break
		}
		before = got[len(got)-1].Batch
	}
	slices.Reverse(out)
	for i, b := range out {
		if b.Batch != int64(i+1) || b.Outcome != report.Committed {
			return nil, fmt.Errorf("batch %d is %s, and %d batches were before it", b.Batch, b.Outcome, i)
		}
	}
	return out, nil
}

// after are the reports of the batches behind one, and up to another.
func after(all []*report.Batch, from, to int64) []*report.Batch { return all[min(from, to):to] }

// quantile of a time of batches.
func quantile(all []*report.Batch, q float64, of func(*report.Batch) time.Duration) time.Duration {
	took := make([]time.Duration, len(all))
	for i, b := range all {
		took[i] = of(b)
	}
	slices.Sort(took)
	return took[int(q*float64(len(took)-1))]
}

// ms is in milliseconds.
func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// spread is "p50 1.2, p99 3.4, max 5.6 ms".
func spread(all []*report.Batch, of func(*report.Batch) time.Duration) string {
	return fmt.Sprintf("p50 %.2f, p99 %.2f, max %.2f ms", ms(quantile(all, 0.5, of)), ms(quantile(all, 0.99, of)), ms(quantile(all, 1, of)))
}
