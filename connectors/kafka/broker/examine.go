package broker

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/dstream"
)

// Examine looks at each broker, and at how it is reached, for `driver doctor`.
func (a *Access) Examine(ctx context.Context, c *Cluster) []dstream.Finding {
	var out []dstream.Finding
	if a.User != "" && a.TLS == nil && a.mechanism == "plain" {
		out = append(out, dstream.Finding{Severity: dstream.Doubtful, Subject: "login", Text: "the password crosses the network as it is", Remedy: "add tls=true, or use sasl=scram-sha-256"})
	}
	for _, addr := range c.Addresses() {
		out = append(out, a.examine(ctx, addr))
	}
	return out
}

// examine connects to a broker anew.
func (a *Access) examine(ctx context.Context, addr string) dstream.Finding {
	f := dstream.Finding{Subject: "broker " + addr}
	ctx, cancel := context.WithTimeout(ctx, DialTimeout)
	defer cancel()
	began := time.Now()
	l, err := a.Open(ctx, addr)
	var answer *sarama.ApiVersionsResponse
	if err == nil {
		defer l.Close()
		err = l.Ask(ctx, func(b *sarama.Broker) (err error) {
			answer, err = b.ApiVersions(&sarama.ApiVersionsRequest{Version: 3, ClientSoftwareName: "tidemill", ClientSoftwareVersion: "1"})
			return err
		})
	}
	if err != nil {
		f.Severity, f.Text = dstream.Broken, Explain("connect", err).Error()
		f.Remedy = "start it, or correct the URL; an address that is not in the URL is one that the brokers advertise (advertised.listeners)"
		return f
	}
	f.Text = fmt.Sprintf("answers in %s, %s", time.Since(began).Round(time.Millisecond), versionOf(answer))
	return f
}

// levels are the metadata versions with which releases of Kafka begin (MetadataVersion.java).
var levels = []struct {
	from    int16
	release string
}{{28, "4.2 or newer"}, {26, "4.1"}, {22, "4.0"}, {20, "3.8 or 3.9"}, {15, "3.7"}, {12, "3.6"}, {9, "3.5"}, {4, "3.3 or 3.4"}, {1, "3.0 to 3.2"}}

// versionOf is the release that a cluster's features are those of.
func versionOf(r *sarama.ApiVersionsResponse) string {
	for _, f := range r.FinalizedFeatures {
		if f.Name != "metadata.version" {
			continue
		}
		for _, l := range levels {
			if f.MaxVersionLevel >= l.from {
				return "Kafka " + l.release
			}
		}
	}
	return "of a version that it does not say"
}
