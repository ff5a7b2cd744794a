// Package operate is what people ask of a cluster from outside a job: which jobs run where, that a job be run, stopped, or given more
// executors. It is behind `driver jobs`, `submit`, `stop` and `scale`.
//
//	c, err := operate.Connect(ctx, []string{"10.0.0.1:7077"}, credentials)
//	defer c.Close()
//	view := c.Look(ctx)
//	err = c.Stop(ctx, "ads", operate.StopOptions{Say: func(s string) { fmt.Println(s) }})
//
// Contract:
//   - One executor that answers is enough: it names the others. What is known of a job is put together from all that answer, and those that
//     do not are named with the reason.
//   - A request reaches the job's driver through any executor that the driver attends. It has an ID and is made again until something
//     happens, so that one which got lost with a driver is not lost, and one that came twice is done once.
//   - Every wait ends: with what was asked for, or with ctx and an error that says how far it came.
//
// It starts no job itself and reads no checkpoint.
package operate
