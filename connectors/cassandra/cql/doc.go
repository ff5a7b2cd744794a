// Package cql is a connection to a Cassandra cluster that stays: over a restart of a node or of all of them, a change of the ring, a new
// address. It is gocql with what its version 1.7 lacks for an engine that places its own work.
//
//	s, err := cql.Open(ctx, cql.Options{Hosts: []string{"10.0.0.7"}, User: "mill", Password: secret})
//	r := s.Ring()                                        // the nodes, and who holds which token
//	for _, n := range r.Replicas("ads", token) { … }      // indices into r.Nodes, in the order of placement
//	err = s.Query(cql.On(ctx, r.Nodes[n].ID), "SELECT …", id).Exec()
//
// # What it adds
//
// Routing. A HostSelectionPolicy of our own sends a statement to the node that its context names (On), or along the replicas of a
// token (Route), or else to the nodes of the local data centre in turn; it never leaves that. gocql's own map of replicas lists nodes
// twice where a rack holds more than one replica of a range, so placement is computed here (Place), by the server's rule.
//
// Health. Every node of the data centre is asked for a trifle each second: Up tells the answer. If no node answers for a while, or one
// takes connections that gocql does not use, a new session is opened and takes the place of the old one, in which statements that are
// under way fail. gocql by itself may stay without connections for ever.
//
// Errors. Classify sorts what can go wrong by what to do about it. What no retry mends is a *PermanentError with the remedy in its
// text; Open says so for a wrong password, certificate, keyspace or data centre.
//
// # What it does not do
//
// Nothing is retried: a statement is sent once, to one node, unless it was not sent at all. Who repeats one must know that it is
// idempotent. There is no prepared-statement object either: gocql prepares by text, so texts should be few.
package cql
