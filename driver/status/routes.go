package status

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tidemill/tidemill/driver/report"
)

//go:embed page
var files embed.FS

// routes is a mux of our own: importing a package must not be able to add a route, as it can to the default one.
func routes(b *Board) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector{b})
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", b.servePage)
	mux.HandleFunc("/batches/{n}", b.serveBatchPage)
	mux.HandleFunc("/api/v1/batches", b.serveBatches)
	mux.HandleFunc("/api/v1/batches/{n}", b.serveBatch)
	mux.HandleFunc("/api/v1/job", b.serveJob)
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/style.css", file("style.css", "text/css; charset=utf-8"))
	mux.HandleFunc("/icon.svg", file("icon.svg", "image/svg+xml"))
	return mux
}

// serveBatches answers with the reports as they are, newest first. A Link header leads to older ones.
func (b *Board) serveBatches(w http.ResponseWriter, r *http.Request) {
	q, err := parseQuery(r.URL.RawQuery, 100)
	if err != nil {
		answerError(w, http.StatusBadRequest, err)
		return
	}
	batches := b.Batches(q.n, q.before)
	if older := olderThan(batches, q.n); older > 0 {
		w.Header().Set("Link", fmt.Sprintf(`</api/v1/batches?n=%d&before=%d>; rel="next"`, q.n, older))
	}
	var out bytes.Buffer
	if err := writeJSON(&out, batches); err != nil {
		answerError(w, http.StatusInternalServerError, err)
		return
	}
	answer(w, http.StatusOK, "application/json", out.Bytes())
}

// olderThan is the before of the next request, or 0 if this one got all.
func olderThan(batches []*report.Batch, n int) int64 {
	if len(batches) < n {
		return 0
	}
	return max(0, batches[len(batches)-1].Batch)
}

func (b *Board) serveBatch(w http.ResponseWriter, r *http.Request) {
	n, err := batchNumber(r)
	if err != nil {
		answerError(w, http.StatusBadRequest, err)
		return
	}
	if one := b.Batch(n); one != nil {
		answerJSON(w, one)
		return
	}
	answerError(w, http.StatusNotFound, b.noBatch(n))
}

// noBatch says which batches there are instead.
func (b *Board) noBatch(n int64) error {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.kept.len() == 0 {
		return fmt.Errorf("batch %d is not here: no batch has ended yet", n)
	}
	first, last := b.kept.at(0).Batch, b.kept.at(b.kept.len()-1).Batch
	return fmt.Errorf("batch %d is not here: the page keeps batches %d to %d; `driver batches` shows what the log has", n, first, last)
}

func (b *Board) serveJob(w http.ResponseWriter, _ *http.Request) {
	running, since := b.Running()
	answerJSON(w, struct {
		Job
		Totals     Summary       `json:"totals"`
		Running    *report.Batch `json:"running"`     // null: none
		RunningFor time.Duration `json:"running_for"` // ns
		Waits      []Wait        `json:"waits"`       // what the job waits for outside of it
	}{b.Job(), b.Summary(), running, since, b.Waits()})
}

func file(name, kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		text, err := files.ReadFile("page/" + name)
		if err != nil {
			answerError(w, http.StatusInternalServerError, err)
			return
		}
		w.Header().Set("Cache-Control", "max-age=60") // the page reloads every two seconds; this need not
		answer(w, http.StatusOK, kind, text)
	}
}

func answerJSON(w http.ResponseWriter, v any) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		answerError(w, http.StatusInternalServerError, err)
		return
	}
	answer(w, http.StatusOK, "application/json", append(text, '\n'))
}

func answerError(w http.ResponseWriter, code int, err error) {
	text, _ := json.Marshal(map[string]string{"error": err.Error()}) // strings always marshal
	answer(w, code, "application/json", append(text, '\n'))
}

func answer(w http.ResponseWriter, code int, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(code)
	_, _ = w.Write(body) // the client has gone; nobody is left to tell
}
