// Package netns makes a network of nodes on one machine whose wires can be cut: each node is a Linux network namespace with a wire to a
// router, a namespace too, and a cut is a rule of the router that drops what one address sends to another, silently and in that direction
// only. Control and gossip have addresses of their own, so that one can be cut while the other stays.
//
//	n, err := netns.New(3)            // nodes 0, 1, 2
//	defer n.Close()
//	err = n.Enter(1, cmd.Start)       // a process in node 1
//	err = n.Cut(0, 1, netns.Gossip)   // nothing that 0 sends to 1's gossip arrives, nor what its gossip sends from there
//	err = n.Heal()
//
// Nothing of it has a name, and nothing lasts: the kernel removes a namespace with its wires and rules once the last process in it has
// ended and the last file that refers to it is closed, which is when this process and those that it started are gone, however they went.
//
// It needs Linux, root, and the command ip. Available says what is missing.
package netns
