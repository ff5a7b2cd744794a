package identity

import "time"

// SetClock gives c another clock.
func SetClock(c *Credentials, now func() time.Time) { c.now = now }
