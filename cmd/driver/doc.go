// Command driver builds, runs and looks at jobs.
//
//	driver run job.go
//	driver explain ./pkg
//	driver batches wordcount
//	driver submit --cluster 10.0.0.1:7077 job.go
//	driver jobs, scale, stop --cluster 10.0.0.1:7077 …
//
// Each command is a file of this folder that adds itself to commands; a new one touches no other. What they do is in
// packages: driver/build compiles a job, driver/config reads settings, supervise keeps a job running, driver shows batches,
// driver/fleet/operate asks a cluster.
package main
