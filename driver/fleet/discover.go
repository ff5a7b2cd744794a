package fleet

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidemill/tidemill/executor/gossip"
	"github.com/tidemill/tidemill/executor/node"
)

const (
	inquired = 3
	rejoin   = 5 * time.Second // between two attempts to join the gossip
	rehear   = time.Second     // between two looks at the gossip, should it forget to say that it has changed
	farewell = time.Second     // for leaving the gossip
)

// discover brings candidates from the gossip, once an executor has said where that is.
func (f *Fleet) discover() {
	said := ""
	for f.ctx.Err() == nil {
		select {
		case <-f.ctx.Done():
			return
		case <-f.joins:
		}
		r, err := f.join()
		if err != nil {
			if text := err.Error(); text != said && f.ctx.Err() == nil {
				said = text
				f.warn("cannot join the gossip of the cluster, and ask the executors themselves for others (do all have the same secret?): %v", err)
			}
			f.inquire()
			f.retryJoin()
			continue
		}
		f.follow(r)
	}
}

// inquire asks some executors in use whom they know: without gossip nobody else says who is new.
func (f *Fleet) inquire() {
	f.mu.Lock()
	var some []string
	for _, m := range f.members {
		if m.at != nil && len(some) < inquired {
			some = append(some, m.address())
		}
	}
	f.mu.Unlock()
	for _, address := range some {
		d, err := f.o.net.dial(address)
		if err != nil {
			continue
		}
		about, err := f.ask(f.ctx, d)
		d.Close()
		if err != nil {
			continue // its own goroutine says why
		}
		f.mu.Lock()
		f.hint(membersOf(about))
		f.mu.Unlock()
	}
}

func (f *Fleet) retryJoin() {
	t := time.NewTimer(rejoin)
	defer t.Stop()
	select {
	case <-f.ctx.Done():
	case <-t.C:
		wake(f.joins)
	}
}

func (f *Fleet) join() (ring, error) {
	f.mu.Lock()
	seeds := slices.Sorted(maps.Keys(f.gossips))
	f.mu.Unlock()
	if len(seeds) == 0 {
		return nil, errors.New("no executor has said where it gossips")
	}
	ctx, cancel := context.WithTimeout(f.ctx, f.o.Answer)
	defer cancel()
	return f.o.net.join(ctx, gossip.Options{
		Self:  gossip.Node{Name: "driver-" + f.o.Job + "-" + strings.ToLower(rand.Text()[:8]), Kind: "driver", Engine: node.Engine},
		Seeds: seeds, Required: true, Keys: f.o.Credentials.GossipKeys(f.o.Label), Cluster: f.o.Label,
	})
}

// follow takes in what the gossip says until the fleet ends.
func (f *Fleet) follow(r ring) {
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(f.ctx), farewell)
		defer cancel()
		r.Leave(ctx) // the others will notice without a farewell too
	}()
	t := time.NewTicker(rehear)
	defer t.Stop()
	for {
		f.mu.Lock()
		f.joined = true
		f.hint(executorsOf(r.Nodes()))
		f.mu.Unlock()
		select {
		case <-f.ctx.Done():
			return
		case <-r.Changed():
		case <-t.C:
		}
	}
}

func executorsOf(nodes []gossip.Node) []gossip.Node {
	return slices.DeleteFunc(slices.Clone(nodes), func(n gossip.Node) bool { return n.Kind != "executor" })
}

// membersOf are the others that an executor knows, without what it does not say of them.
func membersOf(a node.About) (out []gossip.Node) {
	for _, text := range a.Members {
		if name, address, ok := strings.Cut(text, " "); ok {
			out = append(out, gossip.Node{Name: name, Address: address, Kind: "executor"})
		}
	}
	return out
}

// addressesOf lists the addresses of nodes of one name, that of the latest life first.
func addressesOf(nodes []gossip.Node) (out []string) {
	nodes = slices.Clone(nodes)
	slices.SortFunc(nodes, func(a, b gossip.Node) int {
		return cmp.Or(cmp.Compare(b.Incarnation, a.Incarnation), cmp.Compare(a.Address, b.Address))
	})
	for _, n := range nodes {
		if !slices.Contains(out, n.Address) {
			out = append(out, n.Address)
		}
	}
	return out
}

// sameSet compares addresses without their order.
func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
