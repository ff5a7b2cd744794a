// Command driver builds, runs and looks at jobs.
//
//	driver run job.go
//	driver explain ./pkg
//	driver batches wordcount
//
// Each command is a file of this folder that adds itself to commands; a new one touches no other. What they do is in
// packages: driver/build compiles a job, driver/config reads settings, supervise keeps a job running, driver shows batches.
package main
