// Package fakecql is a scripted stand-in for Cassandra in tests: several nodes on loopback addresses that speak version 4 of the native
// protocol, one table store behind them, and a script that may answer a request with an error, late, or not at all.
//
//	c := fakecql.Start(t, fakecql.Options{Nodes: 3})
//	c.Exec(t, `CREATE TABLE ks.t (k text, c int, v text, PRIMARY KEY ((k), c))`)
//	c.Script(func(r fakecql.Request) fakecql.Answer {
//		if r.Node == 0 && r.Writes > 0 {
//			return fakecql.Answer{Code: 0x1100, Apply: true} // applied, but the client hears of a timeout
//		}
//		return fakecql.Answer{}
//	})
//
// Cells are reconciled as the server does it: the later timestamp wins, of equal ones a tombstone, of equal values the greater bytes. It knows
// the statements that the connector sends and no others. It is not Cassandra, and proves nothing about Cassandra.
package fakecql
