// Package query reads the parameters of a checkpoint's URL:
//
//	p := query.Of(u)
//	shared := p.Bool("shared")
//	err := p.Err() // unknown parameter "shraed"; known are shared; did you mean shared?
//
// It knows nothing about what they mean.
package query
