package cassandra

import "testing"

type spared int

func (p *spared) memory() int { return int(*p) }

func TestSpareIsBounded(t *testing.T) {
	var s spare[*spared]
	made := 0
	take := func() *spared { return s.take(func() *spared { made++; return new(spared) }) }
	a, b, c := take(), take(), take()
	*a, *b, *c = mostSpare/2, mostSpare/2+1, mostSpare/2
	for range 3 {
		for _, p := range []*spared{a, b, c} { // b has no room beside the others
			s.give(p)
		}
		if got := [2]*spared{take(), take()}; got != [2]*spared{c, a} {
			t.Fatalf("took %p and %p of %p, %p, %p", got[0], got[1], a, b, c)
		}
	}
	if made != 3 {
		t.Errorf("%d were made", made)
	}
	if take(); made != 4 {
		t.Error("what was too much is there")
	}
}
