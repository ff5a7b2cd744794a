package store

import (
	"encoding/json"
	"fmt"
	"path"
	"strconv"
)

// Epoch numbers the drivers that owned a checkpoint: 1, 2, 3, … A message or a
// record of a lower epoch than the highest known is a zombie's.
type Epoch uint64

func (e Epoch) file() string { return "epoch/" + strconv.FormatUint(uint64(e), 10) }
func (e Epoch) beat() string { return "beat/" + strconv.FormatUint(uint64(e), 10) }

// Latest returns the holder of the newest epoch, Epoch 0 if there was none. Of
// a driver that died while it claimed, only the number may be known.
func Latest(s Store) (Holder, error) {
	es, err := s.List("epoch")
	if err != nil {
		return Holder{}, fmt.Errorf("list epochs of checkpoint %s: %w", s, err)
	}
	var last Epoch
	for _, e := range es {
		if n, err := strconv.ParseUint(path.Base(e.Name), 10, 64); err == nil {
			last = max(last, Epoch(n))
		}
	}
	if last == 0 {
		return Holder{}, nil
	}
	return readHolder(s, last)
}

// readHolder trusts only the number in the name: the body may be cut short by a
// crash, and says nothing on which safety rests.
func readHolder(s Store, e Epoch) (Holder, error) {
	b, err := ReadFile(s, e.file())
	if err != nil {
		return Holder{}, fmt.Errorf("read epoch %d of checkpoint %s: %w", e, s, err)
	}
	var h Holder
	if json.Unmarshal(b, &h) != nil {
		h = Holder{}
	}
	h.Epoch = e
	return h, nil
}
