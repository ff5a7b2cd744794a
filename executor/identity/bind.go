package identity

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// lookup bounds how long a host's name may take to resolve.
const lookup = 5 * time.Second

// CheckBind refuses to listen on addr (host:port or a host) where others than this machine may reach it without certificates and a
// cluster secret. Without both only addresses of the loopback interface pass, and names all of whose addresses are; a name that
// does not resolve does not pass. The error says what to do.
func (c *Credentials) CheckBind(addr string) error {
	if c.Insecure() || c.secure() && (c.handed || len(c.current().secrets) > 0) {
		return nil
	}
	if err := onLoopback(addr); err != nil {
		if c == nil {
			return fmt.Errorf("listen on %q: %w, and there are no certificates: listen on 127.0.0.1, or make certificates and a cluster secret "+
				"(driver certs init, driver certs issue) and give them, or allow it with insecure", addr, err)
		}
		return fmt.Errorf("listen on %q: %w, and there is no cluster secret, so gossip would be open: give the cluster.secret that driver certs init made", addr, err)
	}
	return nil
}

// onLoopback says why addr is not an address of the loopback interface alone.
func onLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	if host == "" {
		return errors.New("that is every interface")
	}
	ips := []netip.Addr{}
	if ip, err := netip.ParseAddr(host); err == nil {
		ips = append(ips, ip)
	} else {
		ctx, cancel := context.WithTimeout(context.Background(), lookup)
		defer cancel()
		if ips, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host); err != nil || len(ips) == 0 {
			return errors.New("that name does not resolve, so who could reach it is not known")
		}
	}
	for _, ip := range ips {
		switch ip = ip.Unmap(); {
		case ip.IsUnspecified():
			return errors.New("that is every interface")
		case !ip.IsLoopback() || ip.Zone() != "":
			return fmt.Errorf("%s can be reached from other machines", ip)
		}
	}
	return nil
}

// local says whether a connection comes from this machine: over the loopback interface, a unix socket, or a pipe in the process.
func local(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return !ok || t.IP.IsLoopback()
}
