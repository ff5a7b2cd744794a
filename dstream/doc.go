// Package dstream is the DSL for streams: chains of typed steps over what arrives, batch by batch.
package dstream
