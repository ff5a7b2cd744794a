package kafka

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/connectors/internal/param"
	"github.com/tidemill/tidemill/connectors/kafka/broker"
	"github.com/tidemill/tidemill/dstream"
)

// sourceOptions is what the parameters of a source's URL say.
type sourceOptions struct {
	topics     []string       // in the order of the URL
	pattern    *regexp.Regexp // instead of topics
	start      start
	isolation  sarama.IsolationLevel
	refresh    time.Duration // the most that what is known about topics may be old
	fetchBytes int32
	split      int64  // rows of a partition from which on it is read in pieces
	group      string // that progress is published under; "" = none
	bounded    bool
}

// start is where a source begins that has no offsets yet.
type start struct {
	time    int64           // as in broker.Query
	offsets map[int32]int64 // by partition, instead of time
}

// parseSource reads the parameters of e, but for those of the format, and how to reach the brokers.
func parseSource(e dstream.Endpoint, p *param.Set) (o sourceOptions, a *broker.Access, err error) {
	o = sourceOptions{
		refresh:    p.Duration("metadata_refresh", 30*time.Second, 100*time.Millisecond),
		fetchBytes: int32(p.Int("fetch_bytes", 1<<20, 1<<10, 64<<20)),
		split:      p.Int("split", 100_000, 1, 1<<40),
		group:      p.String("group", groupOf(e)),
		bounded:    p.Bool("bounded", false),
	}
	if p.OneOf("isolation", "committed", "uncommitted") == "committed" {
		o.isolation = sarama.ReadCommitted
	}
	if o.group == "none" {
		o.group = ""
	}
	pattern, from, offsets := p.String("pattern", ""), p.String("start", "earliest"), p.String("start_offsets", "")
	if a, err = broker.Of(e, p); err != nil {
		return o, nil, err
	}
	if err = p.Bad(); err != nil {
		return o, nil, err
	}
	if err = o.subscribe(e.URL.Path, pattern); err == nil {
		o.start, err = parseStart(from, offsets)
	}
	if err == nil && o.start.offsets != nil && len(o.topics) != 1 {
		err = fmt.Errorf("start_offsets says nothing about several topics: give one topic")
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", e.URL.Redacted(), err)
	}
	return o, a, err
}

// groupOf is the group that lag tools find the source by.
func groupOf(e dstream.Endpoint) string {
	switch {
	case e.Name == "":
		return "none"
	case e.Job == "":
		return "tidemill-" + e.Name
	}
	return "tidemill-" + e.Job + "-" + e.Name
}

func (o *sourceOptions) subscribe(path, pattern string) (err error) {
	path = strings.Trim(path, "/")
	switch {
	case pattern != "" && path != "":
		return fmt.Errorf("it has a topic and pattern=: give one of them")
	case pattern != "":
		if o.pattern, err = regexp.Compile("^(?:" + pattern + ")$"); err != nil {
			return fmt.Errorf("pattern=%s: %w", pattern, err)
		}
		return nil
	case path == "":
		return fmt.Errorf("it names no topic: write kafka://host:9092/topic, or pattern=")
	}
	seen := map[string]bool{}
	for t := range strings.SplitSeq(path, ",") {
		if !validTopic(t) {
			return fmt.Errorf("%q is no name of a topic: letters, digits, '.', '_' and '-', at most 249 of them", t)
		}
		if seen[t] {
			return fmt.Errorf("it names topic %s twice", t)
		}
		seen[t], o.topics = true, append(o.topics, t)
	}
	return nil
}

var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

func validTopic(t string) bool { return topicName.MatchString(t) && t != "." && t != ".." }

// parseStart reads start= and start_offsets=.
func parseStart(from, offsets string) (s start, err error) {
	switch from {
	case "earliest":
		s.time = sarama.OffsetOldest
	case "latest":
		s.time = sarama.OffsetNewest
	default:
		at, err := time.Parse(time.RFC3339Nano, from)
		if err != nil || at.UnixMilli() < 0 {
			return s, fmt.Errorf("start=%s: want earliest, latest, or a time like 2026-01-01T00:00:00Z", from)
		}
		s.time = at.UnixMilli()
	}
	if offsets == "" {
		return s, nil
	}
	s.offsets = map[int32]int64{}
	for pair := range strings.SplitSeq(offsets, ",") {
		left, right, _ := strings.Cut(pair, ":")
		partition, err1 := strconv.ParseInt(left, 10, 32)
		offset, err2 := strconv.ParseInt(right, 10, 64)
		if err1 != nil || err2 != nil || partition < 0 || offset < 0 {
			return s, fmt.Errorf("start_offsets=%s: want partition:offset, like 0:17,1:99", offsets)
		}
		if _, twice := s.offsets[int32(partition)]; twice {
			return s, fmt.Errorf("start_offsets=%s: partition %d is there twice", offsets, partition)
		}
		s.offsets[int32(partition)] = offset
	}
	return s, nil
}
