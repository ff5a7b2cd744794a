package identity

import "google.golang.org/grpc"

// DialOptions are what makes a grpc client of the cluster: TLS 1.3, this process's certificate, and a server that has one of the
// expected roles; none expected means any of the cluster. The server's host name is not looked at: see DialNamed.
//
// nil receiver: no TLS, and only servers on this machine.
func (c *Credentials) DialOptions(expect ...Role) []grpc.DialOption {
	return c.DialNamed("", expect...)
}

// DialNamed is DialOptions for one member: a server with a valid certificate of another name is refused, so that one executor
// cannot stand in for another. "" means any; without certificates names are not checked.
func (c *Credentials) DialNamed(name string, expect ...Role) []grpc.DialOption {
	if !c.secure() {
		return []grpc.DialOption{grpc.WithTransportCredentials(c.plain())}
	}
	return []grpc.DialOption{grpc.WithTransportCredentials(&transport{c, name, expect})}
}
