// Package views knows what the table of examples/ads has to be for the events of generate://ads: it counts them in one pass, reads the table
// that the job wrote, and compares. It shares the definition of the input with the engine, and nothing of how that is computed.
package views
