// Package param reads what an endpoint's URL says: its parameters and its path.
//
// A connector asks for each parameter that it knows, with a default, and then calls Err, which reports the first value that
// makes no sense or else the first parameter that nobody asked for:
//
//	p := param.Of(e.URL)
//	rows := p.Int("rows", 10, 1, 1000)
//	err := p.Err() // console://?rosw=5: unknown parameter "rosw"; known are rows
//
// It knows nothing about what the parameters mean.
package param
