package asof

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/gocql/gocql"
)

// Options says what to read, and how patiently.
type Options struct {
	Job   string // the job's name
	Sinks []Sink // whose tables are read; at least one

	Consistency gocql.Consistency // of all reads; 0 = LOCAL_QUORUM
	Attempts    int               // 0 = 10
	Patience    time.Duration     // how long to wait for the next batch; 0 = 10 s
}

// Sink is an output of the job.
type Sink struct {
	Name  string // under which the job writes to it
	Table string // keyspace.table, in letters as they are: no quotes
	// WrittenOnce says that the job never writes a row of the table again, nor deletes one. If it does, a snapshot lacks the rows that were overwritten after it.
	WrittenOnce bool
}

func (o Options) withDefaults() (Options, error) {
	o.Consistency = gocql.Consistency(cmp.Or(uint16(o.Consistency), uint16(gocql.LocalQuorum)))
	o.Attempts = cmp.Or(o.Attempts, 10)
	o.Patience = cmp.Or(o.Patience, 10*time.Second)
	if o.Job == "" || len(o.Sinks) == 0 {
		return o, fmt.Errorf("asof: name the job and at least one of its sinks")
	}
	for i, s := range o.Sinks {
		keyspace, table, ok := strings.Cut(s.Table, ".")
		if s.Name == "" || !ok || keyspace == "" || table == "" {
			return o, fmt.Errorf("asof: sink %d is %q with the table %q: both are needed, the table as keyspace.table", i, s.Name, s.Table)
		}
		for _, other := range o.Sinks[:i] {
			if other.Name == s.Name {
				return o, fmt.Errorf("asof: the sink %s is named twice", s.Name)
			}
		}
	}
	return o, nil
}
