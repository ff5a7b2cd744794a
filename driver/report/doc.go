// Package report is the BatchReport: the one record of what a batch did. It is part of the batch's COMMIT in the log; the command
// line, the page, the API and the metrics display it and know nothing else.
package report
