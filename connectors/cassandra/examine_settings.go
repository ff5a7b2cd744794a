package cassandra

import (
	"strings"
	"time"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/dstream"
)

// settings shows settings of a node that bound what we ask of it. Cassandra lists them since 4.0, and before 4.1 under other names: what is not listed is left out.
func (x *examination) settings(names ...string) {
	var shown []string
	for _, name := range names {
		var value string
		err := x.session.Query(x.ctx, "SELECT value FROM system_views.settings WHERE name = ?", name).Consistency(gocql.One).Scan(&value)
		if err != nil || value == "" {
			continue
		}
		shown = append(shown, name+" "+value)
		if server, err := time.ParseDuration(value); err == nil && server >= x.options.Timeout {
			x.add(dstream.Doubtful, "setting "+name, "add timeout="+(server+server/5).String()+" to the URL, or more",
				"is %s, but we wait for %s only: what is still under way is then sent again", value, x.options.Timeout)
		}
	}
	if len(shown) > 0 {
		x.add(dstream.Fine, "settings", "", "%s", strings.Join(shown, ", "))
	}
}
