package executor

import (
	"fmt"
	"sync"

	"github.com/tidemill/tidemill/dstream"
)

// tableCache holds the frozen tables that plans name, ready for lookups: the newest version of each.
type tableCache struct {
	from Tables
	refs map[string]dstream.TableRef

	mu   sync.Mutex
	held map[string]heldTable
}

type heldTable struct {
	digest string
	rows   any
}

func newTableCache(g *dstream.Graph, from Tables) *tableCache {
	c := &tableCache{from: from, refs: map[string]dstream.TableRef{}, held: map[string]heldTable{}}
	for _, t := range g.Tables() {
		c.refs[t.Name] = t
	}
	return c
}

func (c *tableCache) of(name, digest string) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h, ok := c.held[name]; ok && h.digest == digest {
		return h.rows, nil
	}
	recs, err := c.from.Rows(digest)
	if err != nil {
		return nil, fmt.Errorf("table %q: %w", name, err)
	}
	rows, err := c.refs[name].Index(recs)
	if err != nil {
		return nil, fmt.Errorf("table %q: %w", name, err)
	}
	c.held[name] = heldTable{digest, rows}
	return rows, nil
}
