// Package flight is how blocks go from one worker to another: DoGet of Arrow Flight, one call for all that a task needs of one
// bucket from one holder.
//
//	flight.NewServer(blocks, flight.Options{}).Register(server)
//
//	client := flight.NewClient(creds, flight.Options{})
//	reader, err := client.Open(ctx, address, flight.Ticket{…, Parts: parts})
//	for range parts {
//		for chunk, err := range reader.Next(shape) { … }
//	}
//	reader.Close()
//
// The bodies of the Flight messages, one after the other, are a stream of bytes that Flight knows nothing of: chunks as frames of package
// codec (bounded, with a checksum, Arrow IPC without compression in them), and after those of each part its end with their
// number, or why it cannot be had:
//
//	0x01 frame               a chunk of the part at hand
//	0x02 uvarint             end of the part: number of its chunks
//	0x03 uvarint text        the part cannot be had, or not all of it
//
// A message has a mebibyte or so, many small chunks or a piece of a large one. An empty part is two bytes.
//
// What a sender has ahead of its reader is bounded by the windows of HTTP/2 and one message, so a reader that is slow holds up its
// sender and nothing else. A peer that sends nothing while it is waited for is given up after Options.Stall. Frames are decoded as
// bytes of a stranger: nothing is trusted, and memory is bounded by what was sent.
//
// What it does not do: it keeps no blocks, tries nothing again, and does not say what an error means. To a task every error of
// Open and Next is a block that has to be fetched elsewhere or made again: see rdd.FetchError.
package flight
