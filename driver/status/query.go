package status

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// maxBatches is the most batches that one answer holds.
const maxBatches = 1000

// query is which batches a request asks for.
type query struct {
	n      int   // 1 to maxBatches
	before int64 // 0 = from the newest, else numbers below it
	still  bool  // the page shall not reload itself
}

// parseQuery reads n, before and refresh. What it does not know it passes over; what it knows must be right.
func parseQuery(raw string, n int) (query, error) {
	q := query{n: n}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return q, fmt.Errorf("the query is malformed: %w", err)
	}
	if text := values.Get("n"); text != "" {
		if q.n, err = strconv.Atoi(text); err != nil || q.n < 1 || q.n > maxBatches {
			return q, fmt.Errorf("n must be a number from 1 to %d", maxBatches)
		}
	}
	if text := values.Get("before"); text != "" {
		if q.before, err = strconv.ParseInt(text, 10, 64); err != nil || q.before < 1 {
			return q, fmt.Errorf("before must be a batch number, 1 or more")
		}
	}
	switch values.Get("refresh") {
	case "", "on":
	case "off":
		q.still = true
	default:
		return q, fmt.Errorf("refresh must be on or off")
	}
	return q, nil
}

// batchNumber reads the {n} of a path.
func batchNumber(r *http.Request) (int64, error) {
	n, err := strconv.ParseInt(r.PathValue("n"), 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("a batch is named by its number")
	}
	return n, nil
}
