package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tidemill/tidemill/executor/gossip"
)

const (
	lookTime = 3 * time.Second // to ask one other executor something, when this one starts
	askPeers = 3               // how many are asked whether they reach this one
)

// join makes this executor a member, and makes sure that it is the only one of its name and that others reach it.
func (d *daemon) join(ctx context.Context) error {
	self := gossip.Node{Name: d.o.Name, Kind: gossip.Executor, Address: d.address, Rack: d.o.Rack, Cores: d.o.Slots, Memory: d.o.Memory,
		Incarnation: d.incarnation, Engine: Engine}
	log := slog.New(slog.NewTextHandler(d.o.Out, &slog.HandlerOptions{Level: slog.LevelWarn}))
	m, err := gossip.Join(ctx, gossip.Options{Self: self, Bind: d.o.Gossip, Advertise: d.o.Advertise, Seeds: d.o.Join,
		Keys: d.o.Credentials.GossipKeys(d.o.Cluster), Cluster: d.o.Cluster, Log: log})
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.gossip = m
	d.mu.Unlock()
	err = d.onlyOne(ctx)
	if err == nil {
		err = d.reachable(ctx)
	}
	if err != nil {
		d.leave()
	}
	return err
}

func (d *daemon) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	if err := d.gossip.Leave(ctx); err != nil {
		fmt.Fprintf(d.o.Out, "executor: %v\n", err)
	}
}

// namesakes are other executors of this name that gossip knows: a second one, or this one before a crash.
func (d *daemon) namesakes() (out []gossip.Node) {
	for _, n := range d.gossip.All() {
		if n.Kind == gossip.Executor && n.Name == d.o.Name && n.Incarnation != d.incarnation && n.Address != d.address {
			out = append(out, n)
		}
	}
	return out
}

// onlyOne refuses to be the second executor of a name. One that does not answer is the memory of one that has crashed. Of two that start
// at once, the one with the smaller incarnation stays.
func (d *daemon) onlyOne(ctx context.Context) error {
	for _, n := range d.namesakes() {
		a, err := d.aboutOf(ctx, "", n.Address)
		if err != nil || a.Name != d.o.Name || a.Incarnation > d.incarnation || a.Incarnation == d.incarnation && a.Address > d.address {
			continue
		}
		return fmt.Errorf("an executor of this name runs at %s already, this one would be at %s: give it another --name, or stop the other one", n.Address, d.address)
	}
	return nil
}

// aboutOf asks another executor who it is.
func (d *daemon) aboutOf(ctx context.Context, name, addr string) (About, error) {
	c, err := DialNamed(name, addr, d.o.Credentials)
	if err != nil {
		return About{}, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	return c.About(ctx)
}

// reachable has some others dial the announced address. If those that can say anything say that they cannot, neither could drivers and
// workers, and a job would only fail later and elsewhere.
func (d *daemon) reachable(ctx context.Context) error {
	var failed []error
	asked := 0
	for _, n := range d.gossip.Nodes() {
		if n.Kind != gossip.Executor || n.Name == d.o.Name || n.Engine != Engine || asked == askPeers {
			continue
		}
		asked++
		err := d.reachedBy(ctx, n)
		if err == nil {
			return nil
		}
		failed = append(failed, fmt.Errorf("%s: %w", n.Name, err))
	}
	if ctx.Err() != nil || len(failed) == 0 {
		return nil
	}
	return fmt.Errorf("the others cannot reach this executor at %s, which it announces: %w; name an address that they reach with --listen or --advertise, or open the port",
		d.address, errors.Join(failed...))
}

func (d *daemon) reachedBy(ctx context.Context, peer gossip.Node) error {
	c, err := DialNamed(peer.Name, peer.Address, d.o.Credentials)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, 2*lookTime)
	defer cancel()
	return c.reachable(ctx, callBack{d.address, d.o.Name, d.incarnation})
}

// reach answers Reach: it dials back.
func (d *daemon) reach(ctx context.Context, in *callBack) (*nothing, error) {
	if len(in.Address) > 300 || len(in.Name) > 100 {
		return nil, &refusal{ErrInvalid, "the address or the name is too long"}
	}
	a, err := d.aboutOf(ctx, in.Name, in.Address)
	if err != nil {
		return nil, err
	}
	if a.Name != in.Name || a.Incarnation != in.Incarnation {
		return nil, fmt.Errorf("at %s there is executor %s, not %s", in.Address, a.Name, in.Name)
	}
	return &nothing{}, nil
}
