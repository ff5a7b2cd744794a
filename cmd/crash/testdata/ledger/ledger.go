// Ledger is the job of the crash suite. A row that is lost, doubled or applied twice anywhere shows in what it writes: the journal has each
// entry, moved between partitions; balances has the state of an account after each batch that changed it, from the first entry on; and the
// tables have totals of windows in event time by account and, after one exchange more, by branch.
package main

import (
	"strings"
	"time"

	"github.com/tidemill/tidemill/driver"
	"github.com/tidemill/tidemill/dstream"
)

type Entry struct {
	ID      int64     `col:"id"`
	Account string    `col:"account"` // branch-number
	Amount  int64     `col:"amount"`
	At      time.Time `col:"at"`
}

type Line struct {
	ID      int64  `col:"id"`
	Account string `col:"account"`
	Amount  int64  `col:"amount"`
}

type Total struct {
	Entries int64 `col:"entries"`
	Sum     int64 `col:"sum"`
}

func (t *Total) add(e Entry)   { t.merge(Total{1, e.Amount}) }
func (t *Total) merge(o Total) { t.Entries += o.Entries; t.Sum += o.Sum }

type Row struct {
	Name  string    `col:"name,partition"`
	Start time.Time `col:"start,key"`
	Total
}

type Balance struct {
	Name string `col:"name"`
	Total
}

// always is one window around all times that there are.
const always = 100_000 * time.Hour

func main() { driver.Main(build) }

func build(job *dstream.Job) {
	delay := job.Duration("delay", 5*time.Second, "how far event times may be out of order")
	length := job.Duration("window", 10*time.Second, "length of the windows")
	entries := job.Source[Entry]("entries").
		EventTime(func(e Entry) time.Time { return e.At }, dstream.Watermark{Delay: delay})
	entries.Repartition(5).
		Map(func(e Entry) Line { return Line{e.ID, e.Account, e.Amount} }).
		WriteTo("journal")
	accounts := entries.KeyBy(func(e Entry) string { return e.Account })
	accounts.Window(dstream.Tumbling(always)).Emit(dstream.OnChange).
		Aggregate((*Total).add, (*Total).merge).
		Map(func(account string, _ dstream.Window, t Total) Balance { return Balance{account, t} }).
		WriteTo("balances")
	totals := accounts.Window(dstream.Tumbling(length)).
		Aggregate((*Total).add, (*Total).merge)
	totals.Map(row).WriteTo("accounts")
	totals.Rekey(branch).
		Aggregate((*Total).merge, (*Total).merge).
		Map(row).
		WriteTo("branches")
}

func row(name string, w dstream.Window, t Total) Row { return Row{name, w.Start, t} }

func branch(account string, t Total) (string, Total) {
	name, _, _ := strings.Cut(account, "-")
	return name, t
}
