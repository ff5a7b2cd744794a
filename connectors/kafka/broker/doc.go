// Package broker is what the Kafka source and the Kafka sink share: who the brokers are, how to connect to them, what an error of
// theirs means, and what they say about topics.
//
//	p := param.Of(e.URL)
//	access, err := broker.Of(e, p)  // reads hosts, user, tls=, ca=, cert=, key=, server_name=, sasl=
//	config := access.Config()       // of sarama, for a client, producer or admin of one's own
//
//	c := broker.NewCluster(access)  // what the source uses: requests that end with their context
//	defer c.Close()
//	topics, err := c.Topics(ctx, "ads")
//
// # Parameters
//
//	kafka://[user:password@]host[:9092][,host[:9092]…]/…
//
//	tls=false, ca=, cert=, key=, server_name=    as in package secure
//	sasl=plain       how user and password are shown: plain, scram-sha-256 or scram-sha-512; only with user:password@
//
// A password that is sent by plain without TLS can be read on the way; with SCRAM it cannot.
//
// # Errors
//
// KindOf sorts errors into those that pass by waiting (Away), those that pass by asking who leads now (Moved), those that no retry
// mends (Hopeless) and the rest. Explain says them in a person's words, with what to do, and marks the hopeless ones with
// dstream.ErrPermanent. A connector waits for a broker that is away with a Patience, which backs off and tells the job's page what
// is waited for.
//
// TLS and the dialling are the package's own, since sarama hides why a handshake failed and cannot be interrupted: the connections
// of Config do both through a dialler, also those of a producer or admin client made of it.
//
// Importing the package sets sarama.MaxResponseSize and sarama.MaxDecompressedBatchSize, which are global, to MaxResponse.
package broker
