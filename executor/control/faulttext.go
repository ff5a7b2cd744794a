package control

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ParseFault makes a fault of a text such as "seed=7,drop=0.001,duplicate=0.01,delay=0.02,by=100ms": of the frames in each direction these
// shares are dropped, come twice, and come late by up to so long. Everything is optional; an empty text is no fault. The same seed
// draws the same.
func ParseFault(text string) (Fault, error) {
	if text == "" {
		return nil, nil
	}
	var seed uint64
	by := 100 * time.Millisecond
	shares := map[string]float64{"drop": 0, "duplicate": 0, "delay": 0}
	for _, field := range strings.Split(text, ",") {
		name, value, _ := strings.Cut(field, "=")
		var err error
		switch _, share := shares[name]; {
		case share:
			if shares[name], err = strconv.ParseFloat(value, 64); err == nil && !(shares[name] >= 0 && shares[name] <= 1) {
				err = errors.New("a share is between 0 and 1")
			}
		case name == "seed":
			seed, err = strconv.ParseUint(value, 10, 64)
		case name == "by":
			by, err = time.ParseDuration(value)
		default:
			err = errors.New("the names are seed, drop, duplicate, delay and by")
		}
		if err != nil {
			return nil, fmt.Errorf("fault %q: %w", field, err)
		}
	}
	d := &dice{random: rand.New(rand.NewPCG(seed, 0)), drop: shares["drop"], twice: shares["duplicate"], late: shares["delay"], by: max(by, 1)}
	return d.throw, nil
}

// dice draws what becomes of frames.
type dice struct {
	mu                sync.Mutex
	random            *rand.Rand
	drop, twice, late float64
	by                time.Duration
}

func (d *dice) throw(_ string, frame []byte) []Delivery {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.random.Float64()
	switch one := (Delivery{Frame: frame}); {
	case p < d.drop:
		return nil
	case p < d.drop+d.twice:
		return []Delivery{one, one}
	case p < d.drop+d.twice+d.late:
		one.After = time.Duration(d.random.Int64N(int64(d.by)))
		return []Delivery{one}
	default:
		return []Delivery{one}
	}
}
