package status

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"syscall"
	"time"
)

// morePorts is how many ports after a taken one are tried.
const morePorts = 10

// Server serves the page, the API and the metrics of one board. A nil Server serves nothing, and its methods say so.
type Server struct {
	http   *http.Server
	listen net.Listener
	wanted string
	done   chan error // Serve's answer, once
}

// Listen serves the board on addr, an IP address of the loopback or "localhost", with a port; port 0 means any free
// one. If the port is taken the next ten are tried; Addr and Moved tell which it became. An empty addr or "off" means no
// server: nil, without an error. It refuses any address that other machines can reach.
func Listen(addr string, b *Board) (*Server, error) {
	if addr == "" || addr == "off" {
		return nil, nil
	}
	want, err := loopback(addr)
	if err != nil {
		return nil, err
	}
	l, err := listenNear(want)
	if err != nil {
		return nil, err
	}
	s := &Server{http: newHTTP(b), listen: l, wanted: want.String(), done: make(chan error, 1)}
	go func() { s.done <- s.http.Serve(l) }()
	return s, nil
}

// loopback reads addr. A name other than localhost is not looked up: who answers for it may change.
func loopback(addr string) (netip.AddrPort, error) {
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("status page on %q: %w; write it like 127.0.0.1:4040, or off", addr, err)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("status page on %q: port %q is not a number from 0 to 65535", addr, portText)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.IsLoopback() {
		return netip.AddrPort{}, fmt.Errorf("status page on %q: this version serves loopback addresses only, "+
			"because the page shows the job to everyone who can reach it and has no login or TLS; "+
			"use 127.0.0.1:%d, and an SSH tunnel to see it from elsewhere", addr, port)
	}
	return netip.AddrPortFrom(ip, uint16(port)), nil
}

func listenNear(want netip.AddrPort) (net.Listener, error) {
	first := int(want.Port())
	last := first
	if first != 0 {
		last = min(first+morePorts, 65535)
	}
	for port := first; port <= last; port++ {
		l, err := net.Listen("tcp", netip.AddrPortFrom(want.Addr(), uint16(port)).String())
		if err == nil {
			return l, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("status page on %s: %w; choose another address, or off", want, err)
		}
	}
	return nil, fmt.Errorf("status page on %s: the ports %d to %d are all taken; choose another, or off", want, first, last)
}

// newHTTP bounds what a client can hold: time, header bytes and, in guard, requests at once.
func newHTTP(b *Board) *http.Server {
	return &http.Server{
		Handler:                      guard(routes(b)),
		ReadHeaderTimeout:            5 * time.Second,
		ReadTimeout:                  10 * time.Second,
		WriteTimeout:                 30 * time.Second,
		IdleTimeout:                  60 * time.Second,
		MaxHeaderBytes:               16 << 10,
		DisableGeneralOptionsHandler: true, // else OPTIONS * would be answered before the guard sees it
		ErrorLog:                     slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
}

// Addr is the address it got, "127.0.0.1:4041"; "" of a nil Server.
func (s *Server) Addr() string {
	if s == nil {
		return ""
	}
	return s.listen.Addr().String()
}

// URL is where a browser finds the page; "" of a nil Server.
func (s *Server) URL() string {
	if s == nil {
		return ""
	}
	return "http://" + s.Addr() + "/"
}

// Moved reports that the port asked for was taken, and another was found.
func (s *Server) Moved() bool {
	if s == nil {
		return false
	}
	want := netip.MustParseAddrPort(s.wanted)
	return want.Port() != 0 && s.wanted != s.Addr()
}

// Close stops listening, waits for requests under way until ctx is done, cuts off the rest, and returns when all has
// ended. The error says that requests were cut off, or why the server had stopped before. Call it once.
func (s *Server) Close(ctx context.Context) error {
	if s == nil {
		return nil
	}
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("close the status page: %w", err), s.http.Close())
	}
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("the status page stopped serving: %w", served))
	}
	return err
}
