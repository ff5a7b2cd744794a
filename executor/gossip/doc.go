// Package gossip finds the executors and drivers of a cluster: who is there, and by which address.
//
//	m, err := gossip.Join(ctx, gossip.Options{Self: gossip.Node{Name: "e1", Kind: "executor", Address: "10.0.0.1:7077"}, Seeds: seeds})
//	for range m.Changed() {
//		use(m.Nodes())
//	}
//
// It is discovery and no more. Whether a node is alive is what a connection to it says; who may write is what the epoch says. A node that
// is busy may be missing from the list for a while, and one that has crashed may stay in it for some seconds: with the settings here, a
// crash is noticed after 4 to 10 s, a leave at once.
//
// Contract: every member has a name and an incarnation that grows with each start. Of members with one name at different addresses the
// earliest counts, so that a second executor of a name is ignored by all; at the same address, only one of them can listen, and the latest
// counts. Metadata that cannot be read is ignored together with its node.
//
// A seed that does not answer is tried again as long as the member lives, which also heals a network that was cut for long. A seed that
// answers but does not let this node in (its cluster's name or secret differ) is an error of Join.
//
// With Keys, all traffic is encrypted with the first (AES-GCM); the others decrypt too, so that a secret can be changed without a restart:
// see Member.Rekey. Recorded packets can be replayed, another reason to treat all of this as a hint. Without keys, a member that is bound
// to loopback takes nothing from anywhere else.
//
// What it does not do: elect, agree, replicate, or detect failures quickly.
package gossip
