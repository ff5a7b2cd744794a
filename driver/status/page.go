package status

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/tidemill/tidemill/driver/report"
)

// pageBatches is how many batches the page lists unless asked for more.
const pageBatches = 20

// templates are parsed when the first page is asked for: a job that nobody looks at does not pay for it.
var templates = sync.OnceValues(func() (*template.Template, error) {
	return template.ParseFS(files, "page/*.html")
})

// fact is a number at the top of the page, and what it means.
type fact struct {
	Name, Value, About string
	Bad                bool
}

// frame is what every page has.
type frame struct {
	Title   string
	Job     string
	Refresh bool // every two seconds
	Still   bool // it would refresh, but the user has stopped it
}

// indexPage is what / shows.
type indexPage struct {
	frame
	About   []fact // of the job
	Totals  []fact
	Failure *failure
	Running string // the batch at hand
	Waits   []string
	Batches table
	Older   string // link
	Newest  bool   // it begins with the newest batch
	Latest  *detail
	Explain string
}

// failure is a batch that failed.
type failure struct {
	Batch, Error string
	Link         string
}

// detail is one batch in full.
type detail struct {
	Batch    string
	Link     string
	Bars     []bar
	Timeline table
	Tables   []table
}

func (b *Board) servePage(w http.ResponseWriter, r *http.Request) {
	q, err := parseQuery(r.URL.RawQuery, pageBatches)
	if err != nil {
		answerPage(w, http.StatusBadRequest, "error.html", errorPage(b, err))
		return
	}
	answerPage(w, http.StatusOK, "index.html", b.index(q))
}

func (b *Board) index(q query) indexPage {
	job, now := b.Job(), b.opt.Now()
	listed := b.Batches(q.n, q.before)
	newest := b.Batches(maxBatches, 0)
	running, since := b.Running()
	p := indexPage{
		frame:   frame{Title: title(job.Name), Job: title(job.Name), Still: q.still},
		About:   aboutJob(job, now),
		Totals:  facts(b.Summary(), newest),
		Batches: batchesTable(listed),
		Newest:  q.before == 0,
		Explain: job.Explain,
	}
	if older := olderThan(listed, q.n); older > 0 && b.Batches(1, older) != nil {
		p.Older = fmt.Sprintf("/?n=%d&before=%d&refresh=off", q.n, older)
	}
	for _, w := range b.Waits() {
		p.Waits = append(p.Waits, w.What+", for "+span(now.Sub(w.Since)))
	}
	if running != nil {
		p.Running = fmt.Sprintf("Batch %s has been running for %s.", count(running.Batch), span(since))
	}
	if len(newest) > 0 {
		p.Latest = newDetail(newest[0])
		p.Failure = newFailure(newest[0])
		if p.Failure != nil && p.Newest {
			p.Batches.Rows[0].Below = "" // it stands at the top of the page already
		}
	}
	p.Refresh = !q.still && p.Newest && p.Failure == nil
	return p
}

func title(job string) string {
	if job == "" {
		return "tidemill"
	}
	return job
}

func newDetail(b *report.Batch) *detail {
	return &detail{
		Batch: count(b.Batch), Link: "/batches/" + strconv.FormatInt(b.Batch, 10),
		Bars: bars(b.Timeline), Timeline: timelineTable(b), Tables: batchTables(b),
	}
}

func newFailure(b *report.Batch) *failure {
	if b.Outcome != report.Failed {
		return nil
	}
	why := b.Error
	if why == "" {
		why = "The report does not say why."
	}
	return &failure{Batch: count(b.Batch), Error: why, Link: "/batches/" + strconv.FormatInt(b.Batch, 10)}
}

// aboutJob are the facts that do not change.
func aboutJob(j Job, now time.Time) []fact {
	var out []fact
	add := func(name, value string) {
		if value != "" {
			out = append(out, fact{Name: name, Value: value})
		}
	}
	if j.Interval > 0 {
		add("a batch every", span(j.Interval))
	}
	if !j.Started.IsZero() {
		add("started", moment(j.Started)+" UTC, "+span(now.Sub(j.Started))+" ago")
	}
	if j.Epoch > 0 {
		add("epoch", strconv.FormatInt(j.Epoch, 10))
	}
	add("checkpoint", j.Checkpoint)
	for _, s := range j.Sinks {
		add("sink "+s.Name, s.Guarantee)
	}
	return out
}

// facts are the totals, each with what it means.
func facts(s Summary, newest []*report.Batch) []fact {
	p50, p99, n := quantiles(newest)
	over := fmt.Sprintf("half, and 99 of 100, of the last %s kept this", plural(int64(n), "batch", "batches"))
	batches := "committed since the start"
	if s.Redone > 0 {
		batches += fmt.Sprintf(", %s redone after a crash", count(s.Redone))
	}
	limit := "–"
	if s.Limit > 0 {
		limit = short(float64(s.Limit))
	}
	return []fact{
		{Name: "rows/s", Value: short(s.RowsPerSecond), About: "read over the last 10 s; " + short(s.MeanPerSecond) + " since the start"},
		{Name: "rows", Value: short(float64(s.Rows)), About: count(s.Rows) + " read since the start"},
		{Name: "written", Value: short(float64(s.Written)), About: count(s.Written) + " rows taken by the sinks"},
		{Name: "batches", Value: count(s.Batches), About: batches},
		{Name: "lag", Value: reached(s.Lag), About: "how long after it was due the last batch was committed"},
		{Name: "due→commit p50 · p99", Value: reached(p50) + " · " + reached(p99), About: over},
		{Name: "left", Value: short(float64(s.LagRows)), About: "rows that the sources have for later batches, as far as they know"},
		{Name: "limit", Value: limit, About: "rows that the next batch may have, by how long the last ones took"},
		{Name: "late", Value: count(s.Late), About: "rows that came after their window had closed"},
		{Name: "dead letters", Value: count(s.DeadLetters), About: "rows that could not be read", Bad: s.DeadLetters > 0},
		{Name: "spilled", Value: size(s.Spilled), About: "to disk, for want of memory"},
		{Name: "state", Value: count(s.StateKeys), About: "keys held, " + size(s.StateBytes)},
	}
}

// batchPage is what /batches/{n} shows.
type batchPage struct {
	frame
	About   []fact
	Failure *failure
	Detail  *detail
	API     string
}

func (b *Board) serveBatchPage(w http.ResponseWriter, r *http.Request) {
	n, err := batchNumber(r)
	if err != nil {
		answerPage(w, http.StatusBadRequest, "error.html", errorPage(b, err))
		return
	}
	one := b.Batch(n)
	if one == nil {
		answerPage(w, http.StatusNotFound, "error.html", errorPage(b, b.noBatch(n)))
		return
	}
	answerPage(w, http.StatusOK, "batch.html", batchPage{
		frame:   frame{Title: fmt.Sprintf("batch %s · %s", count(n), title(b.Job().Name)), Job: title(b.Job().Name), Refresh: one.Outcome == report.Running},
		About:   aboutBatch(one),
		Failure: newFailure(one),
		Detail:  newDetail(one),
		API:     "/api/v1/batches/" + strconv.FormatInt(n, 10),
	})
}

func aboutBatch(b *report.Batch) []fact {
	out := []fact{
		{Name: "outcome", Value: outcome(b), Bad: b.Outcome == report.Failed},
		{Name: "time", Value: moment(b.Time) + " UTC"},
		{Name: "ticks", Value: count(max(1, b.Ticks)), About: "more than one if the engine was behind"},
		{Name: "epoch", Value: strconv.FormatInt(b.Epoch, 10)},
		{Name: "rows", Value: count(b.Rows())},
		{Name: "late", Value: count(b.Late())},
		{Name: "written", Value: count(b.Written())},
		{Name: "spilled", Value: size(b.Spilled())},
	}
	if r := b.Rate; r != nil {
		out = append(out, fact{Name: "limit", Value: count(r.Limit), About: fmt.Sprintf("rows; then %s, since %s took %s of processing",
			count(r.Next), plural(r.Rows, "row", "rows"), span(r.Processing))})
	}
	return out
}

// failPage is what is shown instead of a page that cannot be.
type failPage struct {
	frame
	Error string
}

func errorPage(b *Board, err error) failPage {
	name := title(b.Job().Name)
	return failPage{frame: frame{Title: name, Job: name}, Error: err.Error()}
}

// answerPage renders before it answers, so that half a page is never sent.
func answerPage(w http.ResponseWriter, code int, name string, page any) {
	all, err := templates()
	var out bytes.Buffer
	if err == nil {
		err = all.ExecuteTemplate(&out, name, page)
	}
	if err != nil {
		answerError(w, http.StatusInternalServerError, fmt.Errorf("draw %s: %w", name, err))
		return
	}
	answer(w, code, "text/html; charset=utf-8", out.Bytes())
}
