package kafka

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/dstream"
)

// place is the source's offsets: for each topic its id, and for each of its partitions the offset of the next record.
type place struct {
	Topics map[string]*topicPlace `json:"topics"`
	Until  map[string][]int64     `json:"until,omitempty"` // bounded: where each partition ends
}

// topicPlace is how far a topic was planned.
type topicPlace struct {
	ID   topicID `json:"id"`
	Next []int64 `json:"next"` // by partition
}

// topicID tells a topic from one that is made again under its name. Zero is one that brokers did not say.
type topicID sarama.Uuid

// MarshalText writes it as Kafka's tools do.
func (t topicID) MarshalText() ([]byte, error) {
	if t == (topicID{}) {
		return nil, nil
	}
	return []byte(sarama.Uuid(t).String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (t *topicID) UnmarshalText(text []byte) error {
	*t = topicID{}
	if len(text) == 0 {
		return nil
	}
	b, err := base64.RawURLEncoding.DecodeString(string(text))
	if err != nil || len(b) != len(t) {
		return fmt.Errorf("%.30q is no topic id", text)
	}
	copy(t[:], b)
	return nil
}

// differs tells whether two ids are known and not the same.
func (t topicID) differs(other topicID) bool {
	return t != other && t != (topicID{}) && other != (topicID{})
}

// parsePlace reads offsets. None are the place before the start.
func parsePlace(from dstream.Offsets) (place, error) {
	var at place
	if len(from) > 0 {
		if err := json.Unmarshal(from, &at); err != nil || !at.valid() {
			return at, dstream.Permanent(fmt.Errorf("kafka: offsets %.100q are not of this source", from))
		}
	}
	if at.Topics == nil {
		at.Topics = map[string]*topicPlace{}
	}
	return at, nil
}

func (p place) valid() bool {
	for name, t := range p.Topics {
		if !validTopic(name) || t == nil || slices.ContainsFunc(t.Next, outside) {
			return false
		}
	}
	for _, ends := range p.Until {
		if slices.ContainsFunc(ends, outside) {
			return false
		}
	}
	return true
}

// outside keeps offsets so far from their bounds that no sum of a few wraps.
func outside(offset int64) bool { return offset < 0 || offset > math.MaxInt64/4 }

// clone returns a place that may be changed.
func (p place) clone() place {
	out := place{Topics: map[string]*topicPlace{}, Until: maps.Clone(p.Until)}
	for name, t := range p.Topics {
		out.Topics[name] = &topicPlace{t.ID, slices.Clone(t.Next)}
	}
	return out
}

// offsets writes the place, the same bytes for the same place.
func (p place) offsets() (dstream.Offsets, error) { return json.Marshal(p) }

// names lists the topics in order.
func (p place) names() []string { return slices.Sorted(maps.Keys(p.Topics)) }

// splitName is that of a partition.
func splitName(topic string, partition int32) string {
	return topic + "/" + strconv.Itoa(int(partition))
}

// parseSplit reads a split: its topic and partition, and the topic's id, which is its body.
func parseSplit(s dstream.Split) (topic string, partition int32, id topicID, err error) {
	topic, number, _ := strings.Cut(s.Name, "/")
	n, err := strconv.ParseInt(number, 10, 32)
	known := len(s.Body) == len(id)
	if err != nil || n < 0 || number != strconv.FormatInt(n, 10) || !validTopic(topic) || !known && len(s.Body) > 0 || outside(s.From) || outside(s.To) || s.From > s.To {
		return "", 0, id, dstream.Permanent(fmt.Errorf("kafka: split %.100q [%d, %d) is not of this source", s.Name, s.From, s.To))
	}
	copy(id[:], s.Body)
	return topic, int32(n), id, nil
}
