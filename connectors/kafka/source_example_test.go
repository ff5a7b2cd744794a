package kafka_test

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/tidemill/tidemill/connectors/kafka"
	"github.com/tidemill/tidemill/dstream"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Click is a row: two fields of a JSON value, and where the record stands.
type Click struct {
	User   string `col:"user"`
	Page   string `col:"page"`
	Offset int64  `kafka:"offset"`
}

// A source made in code, as Job.Read takes it: `job.Read("clicks", kafka.JSON[Click]("kafka://b1:9092/clicks"))`. Here it is asked
// by hand what there is, and then read.
func ExampleJSON() {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "clicks"))
	if err != nil {
		panic(err)
	}
	defer cluster.Close()
	url := "kafka://" + strings.Join(cluster.ListenAddrs(), ",") + "/clicks"
	produce(cluster.ListenAddrs(), `{"user": "ann", "page": "/"}`, `{"user": "bob", "page": "/help", "more": true}`)

	clicks := kafka.JSON[Click](url)
	defer clicks.(io.Closer).Close() // a job does this when it ends
	batch, err := clicks.Plan(context.Background(), nil, dstream.Limit{})
	if err != nil {
		panic(err)
	}
	for _, split := range batch.Splits {
		fmt.Println(split.Name, split.From, split.To)
		for rows, err := range clicks.Read(context.Background(), split) {
			if err != nil {
				panic(err)
			}
			for _, c := range rows {
				fmt.Println(c.Offset, c.User, c.Page)
			}
		}
	}
	// Output:
	// clicks/0 0 2
	// 0 ann /
	// 1 bob /help
}

func produce(brokers []string, values ...string) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic("clicks"))
	if err != nil {
		panic(err)
	}
	defer client.Close()
	for _, v := range values {
		if err := client.ProduceSync(context.Background(), kgo.StringRecord(v)).FirstErr(); err != nil {
			panic(err)
		}
	}
}
