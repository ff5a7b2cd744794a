package all

import (
	_ "github.com/tidemill/tidemill/connectors/cassandra"  // scheme cassandra, a source and sink
	_ "github.com/tidemill/tidemill/connectors/console"    // scheme console, a sink
	_ "github.com/tidemill/tidemill/connectors/deadletter" // scheme deadletter, a sink
	_ "github.com/tidemill/tidemill/connectors/files"      // scheme files, a source and sink
	_ "github.com/tidemill/tidemill/connectors/generate"   // scheme generate, a source
	_ "github.com/tidemill/tidemill/connectors/kafka"      // scheme kafka, a source and sink
	_ "github.com/tidemill/tidemill/connectors/socket"     // scheme socket, a source
	_ "github.com/tidemill/tidemill/connectors/sqlite"     // scheme sqlite, a source and sink
)
