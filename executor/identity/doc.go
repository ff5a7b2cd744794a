// Package identity says who is who in a cluster: TLS 1.3 with certificates at both ends of every connection, roles in the
// certificates and checked for each method, keys of the gossip, signatures of job binaries.
//
// Everything starts closed. Without certificates nothing leaves the loopback interface (CheckBind, and each connection is looked at
// again); with them, who shows none, one of another CA, of another cluster, outside of its time or of the wrong role is refused,
// and the error or the log says which of these it was. A method that is in no table is for nobody.
//
//	creds, err := identity.Load(identity.Options{CA: "ca.crt", Cert: "node.crt", Key: "node.key", Secret: "cluster.secret"})
//	if err == nil {
//		err = creds.CheckBind(listen)
//	}
//	…
//	server := grpc.NewServer(creds.ServerOptions(map[string][]identity.Role{
//		"/tidemill.Node/About": identity.Roles(),
//		"/tidemill.Node/Put":   {identity.Driver, identity.Submitter},
//	})...)
//	conn, err := grpc.NewClient(address, creds.DialNamed("ex-1", identity.Executor)...)
//
// A member is the URI tidemill://<cluster>/<role>/<name> in its certificate, one a role. The host it is reached at plays no part:
// executors come and go with addresses. Host names in certificates are for browsers at the status page.
//
// Files are looked at before each use, and read again when they have changed: certificates rotate without a restart, and
// connections that exist go on. New files that cannot be used leave the old ones in use, are told of in the log and by Problem, and
// are tried again. Package authority makes all the files, offline, and replaces them step by step.
//
// nil *Credentials are valid for every method, and mean no security, on loopback only.
//
// What it does not do: it revokes no single certificate (they last 90 days; a new CA ends all), it does not look at connections
// again after their handshake, and it does not protect from a member that holds a valid certificate of the role it needs.
package identity
