// Package console is a sink that prints the first rows of each batch, under the batch's time, for a person to look at.
//
//	console://?rows=10
//
// Parameters, with their defaults:
//
//	rows=10     of each batch at most
//	width=80    characters of a cell at most
//
// Rows are in the order of partitions. They travel with the receipts and are printed by the driver when all partitions are
// written, so that a batch is printed whole, and again if it is redone: at least once. Batches without rows print nothing.
// Characters that could steer a terminal are escaped.
package console
