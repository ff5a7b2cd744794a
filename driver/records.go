package driver

import (
	"encoding/json"
	"fmt"

	"github.com/tidemill/tidemill/driver/rate"
	"github.com/tidemill/tidemill/driver/report"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/wire"
)

// planRecord is the payload of PLAN in the batch log.
type planRecord struct {
	Plan *dstream.Plan     `json:"plan"`
	Args map[string]string `json:"args,omitempty"`
	Last bool              `json:"last,omitempty"`
	Rate *rate.State       `json:"rate,omitempty"` // that the sources' limits follow from: that of the COMMIT before
}

// commitRecord is the payload of COMMIT: all that the next batch, or a driver that comes after a crash, needs to know.
type commitRecord struct {
	Batch       int64                        `json:"batch"`
	Timestamp   int64                        `json:"timestamp"`
	Parts       int                          `json:"parts"` // partitions behind exchanges: state is cut into them
	Groups      int                          `json:"groups"`
	Offsets     map[string]dstream.Offsets   `json:"offsets"`
	Progress    *dstream.Progress            `json:"progress"`
	States      map[string][]wire.StateRef   `json:"states,omitempty"` // step → by partition
	Fingerprint map[string]string            `json:"fingerprint,omitempty"`
	Receipts    map[string][]dstream.Receipt `json:"receipts,omitempty"`
	Last        bool                         `json:"last,omitempty"`
	Rate        *rate.State                  `json:"rate,omitempty"` // after the batch; what it follows from is in the report
	Report      *report.Batch                `json:"report"`
}

func decode[T any](what string, payload []byte) (*T, error) {
	v := new(T)
	if err := json.Unmarshal(payload, v); err != nil {
		return nil, fmt.Errorf("%s record: %w (it passed its checksum, so another version of the engine wrote it)", what, err)
	}
	return v, nil
}

// refs lists all state of a commit.
func (c *commitRecord) refs() []wire.StateRef {
	var out []wire.StateRef
	for _, step := range sortedKeys(c.States) {
		out = append(out, c.States[step]...)
	}
	return out
}
