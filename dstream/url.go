package dstream

import (
	"net/url"
	"strings"
)

// ParseURL parses an URL that may name several hosts, each with a port, kafka://b1:9092,b2:9092/ads: Host then holds them as they
// stand. net/url takes them for one host with colons in it.
func ParseURL(raw string) (*url.URL, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndexByte(rest[:end], '@') + 1
	hosts := rest[at:end]
	if !ok || !strings.Contains(hosts, ",") {
		return url.Parse(raw)
	}
	u, err := url.Parse(scheme + "://" + rest[:at] + "several" + rest[end:])
	if err == nil {
		u.Host = hosts
	}
	return u, err
}
