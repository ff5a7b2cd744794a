package broker

import (
	"time"

	"github.com/IBM/sarama"
)

// MaxResponse is the most bytes that an answer of a broker, and what one batch of records decompresses to, may have. It bounds what
// a broken or hostile broker, and a compression bomb in a topic, can make us allocate.
const MaxResponse = 128 << 20

// Timeouts of connections.
const (
	DialTimeout   = 10 * time.Second // of a connection, with TLS and login
	AnswerTimeout = 30 * time.Second // of a request
)

func init() {
	sarama.MaxResponseSize = MaxResponse
	sarama.MaxDecompressedBatchSize = MaxResponse
}

// oldest is the protocol that requests are written for: that of Kafka 2.8, the first with topic ids. Brokers say what they can do when
// a connection opens, and an older one gets older requests.
var oldest = sarama.V2_8_0_0

// Config returns a configuration of sarama with which its clients, producers and admins reach the brokers. It is the caller's to change.
func (a *Access) Config() *sarama.Config {
	c := sarama.NewConfig()
	c.Version = oldest
	c.ClientID = a.client
	c.ChannelBufferSize = 16
	c.Metadata.AllowAutoTopicCreation = false // a mistyped topic is an error, never a new topic
	c.Metadata.Full = false
	c.Net.DialTimeout, c.Net.ReadTimeout, c.Net.WriteTimeout = DialTimeout, AnswerTimeout, AnswerTimeout
	c.Net.Proxy.Enable = true
	c.Net.Proxy.Dialer = &dialer{tls: a.TLS}
	if a.User != "" {
		c.Net.SASL.Enable, c.Net.SASL.Handshake, c.Net.SASL.Version = true, true, sarama.SASLHandshakeV1
		c.Net.SASL.User, c.Net.SASL.Password = a.User, a.password
		switch a.mechanism {
		case "scram-sha-256":
			c.Net.SASL.Mechanism, c.Net.SASL.SCRAMClientGeneratorFunc = sarama.SASLTypeSCRAMSHA256, conversation256
		case "scram-sha-512":
			c.Net.SASL.Mechanism, c.Net.SASL.SCRAMClientGeneratorFunc = sarama.SASLTypeSCRAMSHA512, conversation512
		default:
			c.Net.SASL.Mechanism = sarama.SASLTypePlaintext
		}
	}
	return c
}
