package servicetest

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// brokerConfig is the server.properties of broker i. Its id is i+1.
func (c *KafkaCluster) brokerConfig(i int) []byte {
	n := c.options.Brokers
	replicas, inSync := strconv.Itoa(n), "1"
	if n == 3 {
		inSync = "2"
	}
	host := c.subnet.host(i)
	at := func(port int) string { return fmt.Sprintf("%s:%d", host, port) }
	var voters []string
	for j, a := range c.addresses(c.ports.controller) {
		voters = append(voters, fmt.Sprintf("%d@%s", j+1, a))
	}
	config := map[string]string{
		"process.roles":                  "broker,controller",
		"node.id":                        strconv.Itoa(i + 1),
		"controller.quorum.voters":       strings.Join(voters, ","),
		"listeners":                      "CLIENT://" + at(c.ports.client) + ",BROKER://" + at(c.ports.broker) + ",CONTROLLER://" + at(c.ports.controller),
		"advertised.listeners":           "CLIENT://" + at(c.ports.client) + ",BROKER://" + at(c.ports.broker),
		"listener.security.protocol.map": "CLIENT:" + c.protocol() + ",BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"inter.broker.listener.name":     "BROKER",
		"controller.listener.names":      "CONTROLLER",
		"log.dirs":                       filepath.Join(c.nodes[i].dir, "data"),

		"auto.create.topics.enable":                        "false",
		"default.replication.factor":                       replicas,
		"min.insync.replicas":                              inSync,
		"offsets.topic.replication.factor":                 replicas,
		"transaction.state.log.replication.factor":         replicas,
		"transaction.state.log.min.isr":                    inSync,
		"share.coordinator.state.topic.replication.factor": replicas,
		"share.coordinator.state.topic.min.isr":            inSync,

		// Coordinators are ready when they have loaded their partitions: few, and small.
		"offsets.topic.num.partitions":                 "4",
		"transaction.state.log.num.partitions":         "4",
		"share.coordinator.state.topic.num.partitions": "2",
		"transaction.state.log.segment.bytes":          "16777216",
		"offsets.topic.segment.bytes":                  "16777216",
		"log.segment.bytes":                            "134217728",
		"log.index.size.max.bytes":                     "1048576",
		"log.cleaner.dedupe.buffer.size":               "8388608", // allocated at the start; the default is 128 MiB
		"group.initial.rebalance.delay.ms":             "0",
		// How long a broker that was killed keeps its place, in which time it cannot come back either. The defaults are 9000 and 2000.
		"broker.session.timeout.ms":    "4000",
		"broker.heartbeat.interval.ms": "500",
		"num.network.threads":          "2",
		"num.io.threads":               "4",
		"background.threads":           "2",
	}
	maps.Copy(config, c.security())
	maps.Copy(config, c.options.Config)
	var b bytes.Buffer
	for _, k := range slices.Sorted(maps.Keys(config)) {
		fmt.Fprintf(&b, "%s=%s\n", k, config[k])
	}
	return b.Bytes()
}

// protocol is Kafka's name for how clients connect.
func (c *KafkaCluster) protocol() string {
	switch {
	case c.options.TLS && c.options.SASL:
		return "SASL_SSL"
	case c.options.TLS:
		return "SSL"
	case c.options.SASL:
		return "SASL_PLAINTEXT"
	}
	return "PLAINTEXT"
}

// security are the settings of the clients' listener.
func (c *KafkaCluster) security() map[string]string {
	config := map[string]string{}
	if c.options.TLS {
		config["ssl.keystore.type"] = "PEM"
		config["ssl.keystore.location"] = c.keystore
		config["ssl.truststore.type"] = "PEM"
		config["ssl.truststore.location"] = c.CA()
		if c.options.ClientAuth {
			config["ssl.client.auth"] = "required"
		}
	}
	if c.options.SASL {
		const modules = "org.apache.kafka.common.security."
		config["sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
		config["listener.name.client.plain.sasl.jaas.config"] =
			fmt.Sprintf("%splain.PlainLoginModule required user_%s=%q;", modules, c.User(), c.Password())
		for _, m := range []string{"256", "512"} {
			config["listener.name.client.scram-sha-"+m+".sasl.jaas.config"] = modules + "scram.ScramLoginModule required;"
		}
	}
	return config
}
