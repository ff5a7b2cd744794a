// Package servicetest runs real Kafka and real Cassandra for tests, benchmarks and the demo: it fetches them, starts clusters of one or
// three nodes in seconds, and kills, pauses and restarts nodes.
//
//	func TestMain(m *testing.M) { servicetest.Main(m) }
//
//	func TestSink(t *testing.T) {
//		c := servicetest.Kafka(t, servicetest.KafkaOptions{Brokers: 3})
//		c.Topic(t, "ads", 4)
//		… connect to c.Addresses() …
//		c.Kill(1)  // SIGKILL
//		c.Start(1) // back with its data, and in sync
//		got := servicetest.Consume(t, c, "ads", servicetest.ReadCommitted)
//	}
//
// # What it needs
//
// Linux, Java 17, and, the first time, Maven and its repository: Kafka 4.3.1 is 45 MB of packages and Cassandra 5.0.8 is 67 MB.
// They are kept in the user's cache folder, below tidemill/servicetest, and only if each has the SHA-256 digest in digests/. Beside
// them is an archive of classes that the first start writes, at the cost of a start more, so that later ones take a third of the
// processor time. A test on a machine without Java or Maven is skipped, and fails if CI=true is set. A broker takes 0.2 to 0.5 GB
// of memory, a Cassandra node 0.7 to 0.8 GB.
//
// # Clusters
//
// Tests of one binary with equal options share a cluster, which is started for the first of them. Whatever a test did to its nodes, the
// next one finds all of them running; topics and keyspaces stay, so names have to differ. Tests that run at the same time as others
// and kill or pause want a cluster of their Own. A process that a test starts from the same binary, as crash tests do, gets its
// parent's clusters where it asks for a shared one, and can use them but not kill nodes.
//
// Every cluster has 127.77.n.0/24 for itself, with n from 0 to 255, so clusters of several programs at the same time never meet.
// The ports are Kafka's and Cassandra's usual ones, or 10000 more where those are taken.
//
// Main ends the clusters after the tests. Should a program not come to that, its nodes die with it (on Linux a parent's death kills
// them), and the next program removes their data.
//
// # What it is not
//
// Nodes are small, on one machine. What is acknowledged survives SIGKILL, and not a power cut: Kafka's brokers write as they do by default;
// Cassandra's log acknowledges what is in its file, which by default it does not, see Periodic. Throughput says little, and nothing without
// Optimised. Time-outs of Cassandra's coordinators are longer than the defaults, since a cluster that shares two cores with its
// clients is slow; what is limited by size has the server's default, such as a batch's 50 KiB.
package servicetest
