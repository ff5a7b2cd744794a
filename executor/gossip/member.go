package gossip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

const (
	seedTime  = 2 * time.Second // to reach a seed
	seedEvery = 5 * time.Second // between attempts to reach those that are not members
	leaveTime = 2 * time.Second
)

// Options says who joins what.
type Options struct {
	Self Node
	// Bind is the host:port to listen on, TCP and UDP; port 0 for any. Default 127.0.0.1:0.
	Bind string
	// Advertise is the host that others reach Bind by. Default: Bind's.
	Advertise string
	// Seeds are members to ask, host:port. None: the first of a cluster.
	Seeds []string
	// Required makes Join fail unless a seed lets this node in. Otherwise seeds that cannot be reached are tried again and again.
	Required bool
	// Keys encrypt the traffic, 16, 24 or 32 bytes each, the newest first. nil: no encryption.
	Keys [][]byte
	// Cluster keeps clusters on one network apart: members of another one are not heard. At most 255 bytes.
	Cluster string
	// Log gets what the library says, mostly on level Debug. nil: nothing.
	Log *slog.Logger
}

// Member is this node's membership. Its methods may be called at once, by many.
type Member struct {
	list    *memberlist.Memberlist
	keys    *memberlist.Keyring
	seeds   []string
	log     *slog.Logger
	changed chan struct{}
	stop    context.CancelFunc
	seeking sync.WaitGroup

	left     sync.Once
	leaveErr error

	mu    sync.Mutex // guards nodes
	nodes map[string]Node
}

// Join starts the membership, and asks the seeds. ctx bounds only that; Leave ends the membership.
func Join(ctx context.Context, o Options) (*Member, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	m := &Member{seeds: o.Seeds, log: o.Log, changed: make(chan struct{}, 1), nodes: map[string]Node{}}
	c, err := m.config(ctx, o)
	if err != nil {
		return nil, err
	}
	if m.list, err = memberlist.Create(c); err != nil {
		if _, why, ok := strings.Cut(err.Error(), "bind: "); ok {
			err = errors.New(why) // the library has only the text left, which names the address twice more
		}
		return nil, fmt.Errorf("gossip: listen on %s: %w; does another executor use the port? Give this one another --gossip", o.Bind, err)
	}
	seeking, stop := context.WithCancel(context.Background())
	m.stop = stop
	if err := m.ask(ctx, o.Required); err != nil {
		m.leave(time.Millisecond)
		return nil, fmt.Errorf("join the cluster: %w", err)
	}
	m.seeking.Go(func() { m.seek(seeking) })
	return m, nil
}

// ask asks all seeds once. It is an error if one answers and does not let this node in, and no other does. One that refuses is asked once
// more: it may have died in the middle.
func (m *Member) ask(ctx context.Context, required bool) error {
	var silent, refused []error
	for _, seed := range m.seeds {
		var away *unreachable
		err := m.askOne(ctx, seed)
		if err != nil && !errors.As(err, &away) {
			err = m.askOne(ctx, seed)
		}
		switch {
		case errors.As(err, &away):
			silent = append(silent, err)
		case err != nil:
			refused = append(refused, err)
		}
	}
	if len(refused) > 0 {
		if len(refused)+len(silent) == len(m.seeds) {
			return errors.Join(refused...)
		}
		m.log.Warn("a member does not let this node in; others do", "err", errors.Join(refused...))
	}
	if len(silent) == len(m.seeds) && len(silent) > 0 {
		if required {
			return fmt.Errorf("%w; is an executor running there, and is this its gossip address?", errors.Join(silent...))
		}
		m.log.Warn("no other member answers; trying again", "err", errors.Join(silent...))
	}
	return ctx.Err()
}

// unreachable says that nobody listens at a seed's address.
type unreachable struct {
	seed string
	err  error
}

func (u *unreachable) Error() string {
	return fmt.Sprintf("member %s cannot be reached: %v", u.seed, u.err)
}
func (u *unreachable) Unwrap() error { return u.err }

// askOne dials before the library does, which does not tell silence from refusal.
func (m *Member) askOne(ctx context.Context, seed string) error {
	ctx, cancel := context.WithTimeout(ctx, seedTime)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", seed)
	if err != nil {
		return &unreachable{seed, err}
	}
	addr := conn.RemoteAddr().String()
	conn.Close()
	if _, err := m.list.Join([]string{addr}); err != nil {
		return fmt.Errorf("member %s does not let this node in: %w; do both have the same cluster secret and cluster name, and is %s a gossip address?", seed, plain(err), seed)
	}
	return nil
}

// plain is what the library says of one seed, without its list of one.
func plain(err error) error {
	if list, ok := err.(interface{ WrappedErrors() []error }); ok && len(list.WrappedErrors()) == 1 {
		return list.WrappedErrors()[0]
	}
	return err
}

// seek asks the seeds that are no members again and again.
func (m *Member) seek(ctx context.Context) {
	tick := time.NewTicker(seedEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			m.seekOnce(ctx)
		}
	}
}

func (m *Member) seekOnce(ctx context.Context) {
	known := map[string]bool{}
	for _, n := range m.list.Members() {
		known[n.Address()] = true
	}
	for _, seed := range m.seeds {
		addr, err := resolve(ctx, seed)
		if err == nil && known[addr] {
			continue
		}
		if err := m.askOne(ctx, seed); err != nil && ctx.Err() == nil {
			m.log.Debug("seed", "err", err)
		}
	}
}

// Nodes lists the members that are thought to live, this one included, by name; see the package for those of one name.
func (m *Member) Nodes() []Node { return unique(m.All()) }

// All lists all members in no order, those included that do not count because an earlier one has their name.
func (m *Member) All() []Node {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]Node, 0, len(m.nodes))
	for _, n := range m.nodes {
		out = append(out, n)
	}
	return out
}

// Changed gets a value after Nodes may have changed. Values that nobody takes merge into one.
func (m *Member) Changed() <-chan struct{} { return m.changed }

// Addr is the host:port that this member gossips on: a seed for others.
func (m *Member) Addr() string { return m.list.LocalNode().Address() }

// Rekey replaces the keys, the newest first: the first encrypts from now on. Do it everywhere with both keys before the old one goes.
func (m *Member) Rekey(keys [][]byte) error {
	if m.keys == nil || len(keys) == 0 {
		return errors.New("change the gossip keys: encryption cannot be switched on or off while the member runs")
	}
	wanted := map[string]bool{}
	for _, k := range keys {
		wanted[string(k)] = true
		if err := m.keys.AddKey(k); err != nil {
			return fmt.Errorf("change the gossip keys: %w", err)
		}
	}
	if err := m.keys.UseKey(keys[0]); err != nil {
		return fmt.Errorf("change the gossip keys: %w", err)
	}
	for _, k := range m.keys.GetKeys() {
		if !wanted[string(k)] {
			if err := m.keys.RemoveKey(k); err != nil {
				return fmt.Errorf("change the gossip keys: %w", err)
			}
		}
	}
	return nil
}

// Leave tells the others and ends the membership. That takes 2 s at most, less if ctx has an earlier end. It can be called again.
func (m *Member) Leave(ctx context.Context) error {
	m.left.Do(func() {
		within := leaveTime
		if end, has := ctx.Deadline(); has {
			within = min(within, time.Until(end))
		}
		if ctx.Err() != nil {
			within = 0
		}
		m.leaveErr = m.leave(max(within, time.Millisecond)) // the library takes 0 for ever
	})
	return m.leaveErr
}

func (m *Member) leave(within time.Duration) error {
	m.stop()
	m.seeking.Wait()
	err := m.list.Leave(within)
	if err := errors.Join(err, m.list.Shutdown()); err != nil {
		return fmt.Errorf("leave the cluster: %w", err)
	}
	return nil
}

// resolve is the address with its host as a number.
func resolve(ctx context.Context, addr string) (string, error) {
	host, port, err := split(ctx, addr)
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(host, strconv.Itoa(port)), nil
}

// split resolves a host:port; of several addresses the first counts.
func split(ctx context.Context, addr string) (ip string, port int, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("%q is not host:port", addr)
	}
	if port, err = net.DefaultResolver.LookupPort(ctx, "tcp", text); err != nil {
		return "", 0, fmt.Errorf("%q is not host:port: %w", addr, err)
	}
	all, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return "", 0, fmt.Errorf("resolve %s: %w", addr, err)
	}
	return all[0], port, nil
}
