package fakecql

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// operand is a value of a statement.
type operand struct {
	state int
	bytes []byte
}

const (
	given = iota
	absent
	unset
)

// statement is a text that was understood.
type statement struct {
	text    string
	verb    string // insert, remove, select, create, use
	table   *table
	columns []string // of values in front of the conditions, or those selected
	where   []string // columns that are compared
	fixed   map[string]operand
	ttl     bool // the last ? is a time to live
}

// binds is the columns of the question marks; "" is a time to live.
func (s statement) binds() (out []string) {
	if s.verb == "insert" {
		out = slices.Clone(s.columns)
	} else {
		for _, w := range s.where {
			if _, literal := s.fixed[w]; !literal {
				out = append(out, w)
			}
		}
	}
	if s.ttl {
		out = append(out, "")
	}
	return out
}

var (
	insertText = regexp.MustCompile(`^INSERT INTO (\S+) \((.*?)\) VALUES \([?, ]+\)( USING TTL (\?|\d+))?$`)
	deleteText = regexp.MustCompile(`^DELETE FROM (\S+) WHERE (.*)$`)
	selectText = regexp.MustCompile(`^SELECT (.*?) FROM (\S+)(?: WHERE (.*))?$`)
	createText = regexp.MustCompile(`^CREATE TABLE (?:IF NOT EXISTS )?(\S+) \((.*), PRIMARY KEY \(\(?(.*?)\)(?:, (.*?))?\)?\)(?: WITH .*)?$`)
	literalIs  = regexp.MustCompile(`^(\S+) ?= ?'(.*)'$`)
)

// invalid is the answer to a statement that the schema has no sense for.
type invalid string

// Error is what the server says.
func (e invalid) Error() string { return string(e) }

// parse understands a statement, with the tables that there are.
func (c *Cluster) parse(text string) (statement, error) {
	text = strings.Join(strings.Fields(text), " ")
	s := statement{text: text, fixed: map[string]operand{}}
	var name string
	switch m := []string(nil); {
	case match(insertText, text, &m):
		s.verb, name, s.columns, s.ttl = "insert", m[1], list(m[2]), m[4] == "?"
	case match(deleteText, text, &m):
		s.verb, name = "remove", m[1]
		s.conditions(m[2])
	case match(selectText, text, &m):
		s.verb, name, s.columns = "select", m[2], list(m[1])
		s.conditions(m[3])
	case match(createText, text, &m):
		s.verb = "create"
		return s, c.create(m[1], m[2], list(m[3]), list(m[4]))
	default:
		return s, invalid("fakecql does not know: " + text)
	}
	s.table = c.tables[strings.ReplaceAll(name, `"`, "")]
	if s.table == nil {
		return s, invalid("table " + name + " does not exist")
	}
	if s.verb == "select" && s.columns[0] == "*" {
		s.columns = nil
		for _, col := range s.table.columns {
			s.columns = append(s.columns, col.name)
		}
	}
	for _, n := range slices.Concat(s.columns, s.where) {
		if _, ok := s.table.column(n); !ok {
			return s, invalid("Undefined column name " + n + " in table " + name)
		}
	}
	return s, nil
}

func match(r *regexp.Regexp, text string, m *[]string) bool {
	*m = r.FindStringSubmatch(text)
	return *m != nil
}

func list(s string) (out []string) {
	if s == "" {
		return nil
	}
	for _, n := range strings.Split(s, ",") {
		out = append(out, strings.Trim(strings.TrimSpace(n), `"`))
	}
	return out
}

func (s *statement) conditions(text string) {
	if text == "" {
		return
	}
	for _, c := range strings.Split(text, " AND ") {
		if m := literalIs.FindStringSubmatch(c); m != nil {
			s.where = append(s.where, m[1])
			s.fixed[m[1]] = operand{bytes: []byte(m[2])}
			continue
		}
		name, _, _ := strings.Cut(c, " ")
		s.where = append(s.where, strings.Trim(name, `"`))
	}
}

// create makes a table that is not there. Definitions are "name type [static]" without commas in types.
func (c *Cluster) create(name, definitions string, partition, clustering []string) error {
	full := strings.ReplaceAll(name, `"`, "")
	if c.tables[full] != nil {
		return nil
	}
	keyspace, short, _ := strings.Cut(full, ".")
	t := &table{keyspace: keyspace, name: short, rows: map[string]*row{}}
	for _, d := range strings.Split(definitions, ", ") {
		f := strings.Fields(d)
		if len(f) < 2 {
			return fmt.Errorf("column %q has no type", d)
		}
		col := column{name: strings.Trim(f[0], `"`), typ: f[1], role: "regular", position: -1}
		if i := slices.Index(partition, col.name); i >= 0 {
			col.role, col.position = "partition_key", i
		} else if i := slices.Index(clustering, col.name); i >= 0 {
			col.role, col.position = "clustering", i
		} else if len(f) > 2 {
			col.role = "static"
		}
		t.columns = append(t.columns, col)
	}
	slices.SortStableFunc(t.columns, func(a, b column) int {
		rank := map[string]int{"partition_key": 0, "clustering": 1, "static": 2, "regular": 2}
		return 100*(rank[a.role]-rank[b.role]) + a.position - b.position
	})
	c.tables[full] = t
	c.describe(t)
	return nil
}

// run applies a statement that was bound.
func (s statement) run(values []operand, ts int64) ([]map[string][]byte, error) {
	at := map[string]operand{}
	for i, name := range s.binds() {
		if name != "" {
			at[name] = values[i]
		}
	}
	for name, v := range s.fixed {
		at[name] = v
	}
	switch s.verb {
	case "insert":
		return nil, s.table.insert(at, ts)
	case "remove":
		return nil, s.table.remove(at, ts)
	}
	return s.table.find(at), nil
}
