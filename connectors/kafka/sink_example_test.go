package kafka

import (
	"context"
	"fmt"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
	"github.com/twmb/franz-go/pkg/kfake"
)

// PageViews is a row that replaces the one with the same page. The page is the record's key, and part of its value.
type PageViews struct {
	Page   string            `col:"page,key"`
	Views  int64             `col:"views"`
	Origin map[string]string `kafka:"headers"`
}

// A job writes to a topic with WriteTo("views") and, in its configuration, sinks: {views: kafka://b1:9092/views}. This is what the engine
// does with it.
func ExampleSink() {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "views"))
	if err != nil {
		panic(err)
	}
	defer cluster.Close()
	u, err := dstream.ParseURL("kafka://" + cluster.ListenAddrs()[0] + "/views?compression=lz4")
	if err != nil {
		panic(err)
	}
	rows, err := codec.Of[PageViews]()
	if err != nil {
		panic(err)
	}
	sink, err := openSink(dstream.Endpoint{Job: "pages", Name: "views", URL: u, Rows: rows})
	if err != nil {
		panic(err)
	}
	defer sink.Close()
	batch := dstream.WriteID{Job: "pages", Sink: "views", Epoch: 1, Batch: 1, Partitions: 1, Timestamp: 1_700_000_000_000_000}
	for attempt := range 2 { // the second changes nothing
		receipt, err := sink.Write(context.Background(), batch, rowsOf(PageViews{"/", 17, map[string]string{"from": "eu"}}, PageViews{"/help", 2, nil}))
		if err != nil {
			panic(err)
		}
		fmt.Println("attempt", attempt, "rows", receipt.Rows)
	}
	records, err := readTopic(cluster.ListenAddrs(), "views")
	if err != nil {
		panic(err)
	}
	for _, r := range records {
		fmt.Println(show(r))
	}
	// Output:
	// attempt 0 rows 2
	// attempt 1 rows 2
	// / → {"page":"/","views":17} [from=eu]
	// /help → {"page":"/help","views":2} []
}
