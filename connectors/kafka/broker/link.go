package broker

import (
	"context"
	"errors"
	"time"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/dstream"
)

// Link is a connection to one broker, on which one goroutine at a time asks. Of sarama's broker it makes one whose requests end when
// their context does: the connection is then closed under them, and the link is broken.
type Link struct {
	Addr string

	broker *sarama.Broker
	dialer *dialer
	broken bool
}

// Open connects to the broker at addr and logs in. The error is that of the connection, not yet explained.
func (a *Access) Open(ctx context.Context, addr string) (*Link, error) {
	config := a.Config()
	l := &Link{Addr: addr, broker: sarama.NewBroker(addr), dialer: &dialer{tls: a.TLS, keep: true}}
	config.Net.Proxy.Dialer = l.dialer
	err := l.Ask(ctx, func(b *sarama.Broker) error {
		if err := b.Open(config); err != nil {
			return err
		}
		connected, err := b.Connected()
		if err == nil && !connected {
			err = sarama.ErrNotConnected
		}
		return err
	})
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// Ask runs a request. An error of its own leaves the link broken, since what would be read next may be the rest of an answer.
func (l *Link) Ask(ctx context.Context, request func(*sarama.Broker) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	defer l.tellSilence(ctx)()
	stop := context.AfterFunc(ctx, l.dialer.stop)
	err := request(l.broker)
	if !stop() {
		l.broken = true
		return ctx.Err()
	}
	l.broken = l.broken || err != nil
	return err
}

// silence is how long a broker may take for an answer without a word to the job: a fetch of no records takes half as long.
const silence = time.Second

// tellSilence tells the job when the broker has not answered for a while. A connection to a machine that is hung stays open, so that nothing
// fails before AnswerTimeout. over ends it.
func (l *Link) tellSilence(ctx context.Context) (over func()) {
	told := make(chan func(), 1)
	t := time.AfterFunc(silence, func() { told <- dstream.Waiting(ctx, "kafka "+l.Addr+": no answer yet") })
	return func() {
		if !t.Stop() {
			(<-told)()
		}
	}
}

// Close closes the connection.
func (l *Link) Close() {
	l.dialer.stop()
	_ = l.broker.Close() // what else could be done about it
}

// ErrClosed says that the connector was closed while it was used.
var ErrClosed = errors.New("kafka: the connector is closed")
