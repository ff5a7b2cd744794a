// Orders values each order with the price of its article: the prices are a CSV file, which the job reads whole when it starts.
//
//	cd examples/orders && driver run orders.go
package main

import (
	"github.com/tidemill/tidemill/driver"
	"github.com/tidemill/tidemill/dstream"
)

type Order struct {
	ID      string `col:"id"`
	Article string `col:"article"`
	Pieces  int64  `col:"pieces"`
}

// Price is a row of prices.csv, found by its article.
type Price struct {
	Article string `col:"article,key"`
	Cents   int64  `col:"cents"`
}

type Value struct {
	Order string `col:"order"`
	Cents int64  `col:"cents"`
}

func main() { driver.Main(build) }

// build leaves out orders of articles that have no price.
func build(job *dstream.Job) {
	prices := job.Table[string, Price]("prices")
	job.Source[Order]("orders").
		Lookup(prices, func(o Order) string { return o.Article }, func(o Order, p Price) Value { return Value{o.ID, o.Pieces * p.Cents} }).
		WriteTo("values")
}
