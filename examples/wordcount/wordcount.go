// Wordcount counts the words of each batch that come in over a socket. Start `nc -lk 9999` first and type into it.
//
//	driver run examples/wordcount/wordcount.go
package main

import (
	"strings"

	"github.com/tidemill/tidemill/driver"
	"github.com/tidemill/tidemill/dstream"
)

func main() { driver.Main(build) }

func build(job *dstream.Job) {
	job.Source[string]("lines").
		FlatMap(strings.FieldsSeq).
		KeyBy(dstream.Itself).
		Count().
		Print(10)
}
