// Package generate is a source of made-up rows that are the same on every machine: row n is a pure function of the parameters
// and n, so that any part of the stream can be made again, alone and at once.
//
//	generate://ads        the events of the Yahoo streaming benchmark, without JSON in between
//	generate://campaigns  the table of ads and their campaigns that belongs to them, bounded
//	generate://words      lines of about 99 characters whose words are distributed as Zipf found
//
// Columns are bound by name to the fields of the row type, which may have any of them:
//
//	ads        user_id, page_id, ad_id, ad_type, event_type, ip_address (string);
//	           event_time (time.Time, int64 of milliseconds since 1970, or a string of those)
//	campaigns  ad_id, campaign_id (string)
//	words      value (string)
//
// A row that is a plain string is a line of text: the event's JSON as the benchmark writes it for ads, and
// "ad_id,campaign_id" for campaigns.
//
// Parameters of all three, with their defaults:
//
//	seed=1            other seeds give other rows
//
// Parameters of ads and words:
//
//	events=0          how many rows there are; 0 = without end
//	rate=0            rows a second that become due by the clock; 0 = as many as the batch's limit lets through, and at most
//	                  1,000,000 a batch where it sets none
//	partitions=4      row n belongs to partition n mod partitions
//
// Parameters of ads and campaigns:
//
//	ads=1000          ads that there are
//	campaigns=100     campaigns that the ads are divided among, in order
//
// Parameters of ads:
//
//	start=2026-01-01T00:00:00Z   event time of event 0, or now: the time of the first batch
//	spacing=0.1ms     event time between two events; with a rate 1s/rate
//	skew=0            exponent of the ads' Zipf distribution; 0 = all are equally frequent
//	disorder=0s       event times are earlier than their place in the stream says by a random part of this
//	late=60s          how much earlier, at most, the event time of a late event is
//	late_every=0      one event in so many is late, at random; 0 = none
//
// Parameters of words:
//
//	vocabulary=10000  words that there are
//	skew=1.1          exponent of the words' Zipf distribution
//
// Plan may read the clock, which decides only how much of the stream a batch takes, never what is in it.
package generate
