// Package authority makes what a cluster is secured with: an offline CA, certificates of members, the cluster secret. All of it is
// files in one folder, which belongs on a machine that only the cluster's administrator reaches:
//
//	ca.crt          CAs to trust, the one in use first
//	ca.key          key of the one in use
//	ca.next.key     key of the next one, while one takes over from another
//	cluster.secret  secrets of the gossip, the one in use first
//	cluster.next    the next one, while it takes over
//	nodes/<name>/   what one member needs, to be copied to it: ca.crt node.crt node.key, and cluster.secret if it gossips
//
// A certificate lasts 90 days and is replaced by Renew at any time. A CA and a secret are replaced in three steps, since members
// get new files one after the other and must understand each other all the time: Add makes the next one known, Use puts it to use, Drop
// forgets the old one. After each step the folders of nodes are copied to their machines, all of them before the next step; processes
// take new files without a restart. A step that was interrupted can be done again.
//
//	a, err := authority.Init("certs", "ads", false)
//	…
//	made, err := a.Issue(authority.Order{Name: "ex-1", Roles: []identity.Role{identity.Executor}, Hosts: []string{"10.0.0.1"}})
//
// It revokes no single certificate: what was stolen is of no use after a rotation of the CA. It does not guard against two
// administrators at the same time in one folder.
package authority
