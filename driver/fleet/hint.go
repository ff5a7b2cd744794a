package fleet

import (
	"time"

	"github.com/tidemill/tidemill/executor/gossip"
)

// hint takes in what gossip, or an executor, knows of others. The caller holds f.mu.
func (f *Fleet) hint(nodes []gossip.Node) {
	if f.ctx.Err() != nil {
		return
	}
	named := map[string][]gossip.Node{}
	var names []string
	for _, n := range nodes {
		if n.Name == "" || n.Address == "" {
			continue
		}
		if named[n.Name] == nil {
			names = append(names, n.Name)
		}
		named[n.Name] = append(named[n.Name], n)
	}
	for _, name := range names {
		f.hinted(name, named[name])
	}
}

// hinted takes in the addresses under which a name is known.
func (f *Fleet) hinted(name string, nodes []gossip.Node) {
	addresses := addressesOf(nodes)
	m := f.byName(name)
	if m == nil {
		if m = f.find(func(m *member) bool { return m.name == "" && m.address() == addresses[0] }); m == nil {
			f.add(&member{name: name, addresses: addresses, rack: nodes[0].Rack, memory: nodes[0].Memory})
			return
		}
	}
	m.hinted = time.Now()
	if m.at != nil {
		f.watchName(m, addresses)
		return
	}
	m.reach(addresses)
}

// watchName tells of a second executor that has the name of one in use, if that one does not turn out to be the same.
func (f *Fleet) watchName(m *member, addresses []string) {
	other := ""
	for _, a := range addresses {
		if a != m.address() && a != m.announced {
			other = a
		}
	}
	switch now := time.Now(); {
	case other == "" || len(addresses) < 2:
		m.twice = time.Time{}
	case m.twice.IsZero():
		m.twice = now
	case now.Sub(m.twice) >= sharedName && m.told != NameTwice && f.find(func(x *member) bool { return x.told == NameTwice && x.address() == other }) == nil:
		m.told = NameTwice
		why := because(NameTwice, "another executor, at %s, has the name %s too, and is in use: give one of them another name (--name)", m.address(), m.name)
		f.events.put(Refused{m.name, other, why})
	}
}
