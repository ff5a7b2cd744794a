package ledger

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Entry is a row of the input: an amount for an account.
type Entry struct {
	ID      int64
	Account string // branch-number
	Amount  int64
	At      int64 // event time, ms since 1970
}

// Size says which entries there are. Equal sizes have equal entries.
type Size struct {
	Seed     uint64        `json:"seed"`
	Rows     int64         `json:"rows"`     // 0 means 100,000
	Accounts int           `json:"accounts"` // 0 means 400; half of the entries go to the first 16th of them
	Branches int           `json:"branches"` // 0 means 13
	Spacing  time.Duration `json:"spacing"`  // of event times, ns; 0 means 2 ms
	Disorder time.Duration `json:"disorder"` // at most so much is taken off an event time, ns; 0 means 4 s
	Window   time.Duration `json:"window"`   // ns; 0 means 10 s
}

// WithDefaults fills in what is zero.
func (s Size) WithDefaults() Size {
	s.Rows, s.Accounts, s.Branches = or(s.Rows, 100_000), or(s.Accounts, 400), or(s.Branches, 13)
	s.Spacing, s.Disorder, s.Window = or(s.Spacing, 2*time.Millisecond), or(s.Disorder, 4*time.Second), or(s.Window, 10*time.Second)
	return s
}

func or[V comparable](v, def V) V {
	var zero V
	if v == zero {
		return def
	}
	return v
}

// epoch is the event time of entry 0: 2026-01-01 UTC, ms since 1970.
const epoch = 1767225600000

// Entry returns entry n ≥ 0.
func (s Size) Entry(n int64) Entry {
	r := random{s.Seed<<20 ^ uint64(n)}
	account := r.below(s.Accounts)
	if r.below(2) == 0 { // some keys have far more rows than others
		account = r.below(s.Accounts/16 + 1)
	}
	late := r.below(int(s.Disorder.Milliseconds()) + 1)
	return Entry{
		ID: n, Account: fmt.Sprintf("b%02d-a%05d", account%s.Branches, account), Amount: int64(r.below(2001)) - 1000,
		At: epoch + n*s.Spacing.Microseconds()/1000 - int64(late),
	}
}

// random is the generator of PCG's paper with 64 bits of state and output by xorshift and multiplication (RXS M XS).
type random struct{ state uint64 }

func (r *random) below(n int) int {
	r.state = r.state*6364136223846793005 + 1442695040888963407
	x := r.state
	x = (x>>(x>>59+5) ^ x) * 12605985483714917081
	x ^= x >> 43
	return int(x % uint64(n))
}

// inputFiles is how many files the input is cut into: a batch may end within one or span two.
const inputFiles = 4

// WriteInput writes the entries into CSV files of a folder, which it makes. Their modification times are in their order.
func WriteInput(dir string, s Size) error {
	return writeFiles(dir, s.Rows, "id,account,amount,at\n", func(b []byte, n int64) []byte {
		e := s.Entry(n)
		b = append(append(strconv.AppendInt(b, e.ID, 10), ','), e.Account...)
		b = append(strconv.AppendInt(append(b, ','), e.Amount, 10), ',')
		return time.UnixMilli(e.At).UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	})
}

// WriteIDs writes the numbers below n into files like those of WriteInput.
func WriteIDs(dir string, n int64) error {
	return writeFiles(dir, n, "id\n", func(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) })
}

func writeFiles(dir string, rows int64, header string, line func([]byte, int64) []byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for i := range int64(inputFiles) {
		path := filepath.Join(dir, fmt.Sprintf("part-%d.csv", i))
		if err := writeFile(path, rows*i/inputFiles, rows*(i+1)/inputFiles, header, line); err != nil {
			return fmt.Errorf("write the input: %w", err)
		}
		at := time.UnixMilli(epoch + i*1000)
		if err := os.Chtimes(path, at, at); err != nil {
			return fmt.Errorf("write the input: %w", err)
		}
	}
	return nil
}

func writeFile(path string, from, to int64, header string, line func([]byte, int64) []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	buf := []byte(header)
	for n := from; n < to; n++ {
		buf = append(line(buf, n), '\n')
		if _, err := w.Write(buf); err != nil {
			return err
		}
		buf = buf[:0]
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
