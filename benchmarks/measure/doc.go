// Package measure takes the times of the scenarios in benchmarks, and says on what machine they were taken.
//
//	pairs, err := measure.Pairs(5, bare, engine)       // A B A B …, in one process
//	fmt.Println(measure.Ratio(pairs))                  // of each pair: min, median, max
//
// Costs are in CPU-seconds of the whole process, collector included: on a machine with little to spare they mean more than wall
// time does. What is compared runs alternately, so that whatever else the machine does hits both. A ratio is taken pair by pair,
// and its spread is shown with it.
package measure
