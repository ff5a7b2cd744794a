// Million moves every row twice between partitions, in an order that a step computed again must not change: if it did, rows would be
// lost and others doubled. Spark once gave 931,532 different rows of 1,000,000 here.
package main

import (
	"github.com/tidemill/tidemill/driver"
	"github.com/tidemill/tidemill/dstream"
)

type Row struct {
	ID int64 `col:"id"`
}

func main() { driver.Main(build) }

func build(job *dstream.Job) {
	job.Source[Row]("ids").
		Repartition(7).
		Map(func(r Row) Row { return Row{r.ID ^ 1} }). // a permutation, if their number is even
		Repartition(5).
		WriteTo("copies")
}
