package kafka

import (
	"testing"

	"github.com/tidemill/tidemill/connectors/servicetest"
)

func TestMain(m *testing.M) { servicetest.Main(m) }
