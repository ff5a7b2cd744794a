package schema

import (
	"context"

	"github.com/gocql/gocql"
)

// Of is a session's Query. What it reads is each node's own, so that one node's answer is enough.
func Of(s *gocql.Session) Query {
	return func(ctx context.Context, cql string, args ...any) Rows {
		return s.Query(cql, args...).WithContext(ctx).Consistency(gocql.One).Iter()
	}
}
