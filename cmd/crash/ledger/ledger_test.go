package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var small = Size{Seed: 3, Rows: 2000, Accounts: 40}.WithDefaults()

// right is what a job without faults writes.
func right(t Truth) Outputs {
	return Outputs{Accounts: rows(t.Accounts), Branches: rows(t.Branches), Journal: rows(t.Journal), Balances: rows(t.Balances)}
}

func rows[K, V comparable](m map[K]V) (out []Row[K, V]) {
	for k, v := range m {
		out = append(out, Row[K, V]{k, v})
	}
	return out
}

// without leaves out the last balance of an account, or all but the last of each.
func without(b []Row[Post, int64], last bool) (out []Row[Post, int64]) {
	ends := TruthOf(small).Entries
	account := b[0].Key.Account
	for _, r := range b {
		is := r.Key.Entries == ends[r.Key.Account]
		if last && !(is && r.Key.Account == account) || !last && is {
			out = append(out, r)
		}
	}
	return out
}

// TestJudge spoils outputs in every way that it has to find.
func TestJudge(t *testing.T) {
	want := TruthOf(small)
	for _, c := range []struct {
		name    string
		spoil   func(o *Outputs)
		verdict string // lost doubled wrong
		running string // the same while the job runs; nothing is lost yet
	}{
		{"nothing", func(*Outputs) {}, "0 0 0", "0 0 0"},
		{"a lost entry", func(o *Outputs) { o.Journal = o.Journal[1:] }, "1 0 0", "0 0 0"},
		{"a lost window", func(o *Outputs) { o.Accounts = o.Accounts[3:] }, "3 0 0", "0 0 0"},
		{"a lost branch", func(o *Outputs) { o.Branches = o.Branches[:len(o.Branches)-1] }, "1 0 0", "0 0 0"},
		{"a doubled entry", func(o *Outputs) { o.Journal = append(o.Journal, o.Journal[5]) }, "0 1 0", "0 1 0"},
		{"a doubled window", func(o *Outputs) { o.Accounts = append(o.Accounts, o.Accounts[0], o.Accounts[0]) }, "0 2 0", "0 2 0"},
		{"a wrong count", func(o *Outputs) { o.Accounts[2].Value.Entries++ }, "0 0 1", "0 0 1"},
		{"a wrong sum", func(o *Outputs) { o.Branches[2].Value.Sum-- }, "0 0 1", "0 0 1"},
		{"an amount that changed", func(o *Outputs) { o.Journal[9].Value.Amount++ }, "0 0 1", "0 0 1"},
		{"state of twice the entries", func(o *Outputs) { o.Balances[9].Key.Entries += small.Rows }, "0 0 1", "0 0 1"},
		{"state with an amount twice", func(o *Outputs) { o.Balances[9].Value += 5000 }, "0 0 1", "0 0 1"},
		{"a balance that was written twice", func(o *Outputs) { o.Balances = append(o.Balances, o.Balances[9]) }, "0 1 0", "0 1 0"},
		{"a last balance that is missing", func(o *Outputs) { o.Balances = without(o.Balances, true) }, "1 0 0", "0 0 0"},
		{"only last balances", func(o *Outputs) { o.Balances = without(o.Balances, false) }, "0 0 0", "0 0 0"},
		{"an entry of another account", func(o *Outputs) { o.Journal[9].Value.Account += "0" }, "0 0 1", "0 0 1"},
		{"a row that nobody wrote", func(o *Outputs) { o.Accounts = append(o.Accounts, Row[Cell, Total]{Key: Cell{"x", 0}}) }, "0 0 1", "0 0 1"},
		{"one row in the place of another", func(o *Outputs) { o.Journal[0] = o.Journal[1] }, "1 1 0", "0 1 0"},
		{"a torn file", func(o *Outputs) { o.Torn = []string{"file"} }, "0 0 1", "0 0 1"},
		{"nothing at all", func(o *Outputs) { *o = Outputs{} }, fmt.Sprint(len(want.Accounts)+len(want.Branches)+len(want.Journal)+len(want.Entries), " 0 0"), "0 0 0"},
	} {
		o := right(want)
		c.spoil(&o)
		for complete, want := range map[bool]string{true: c.verdict, false: c.running} {
			v := Judge(TruthOf(small), o, complete)
			if got := fmt.Sprint(v.Lost, " ", v.Doubled, " ", v.Wrong); got != want {
				t.Errorf("%s, complete %v: lost, doubled, wrong = %s, want %s", c.name, complete, got, want)
			}
			if v.Good() != (want == "0 0 0") || v.Good() == (len(v.Findings) > 0) {
				t.Errorf("%s: good %v with findings %q", c.name, v.Good(), v.Findings)
			}
		}
	}
}

func TestJudgeIDs(t *testing.T) {
	for _, c := range []struct {
		ids  []int64
		torn []string
		want string
	}{
		{[]int64{2, 0, 1, 3}, nil, "0 0 0"},
		{[]int64{2, 0, 1}, nil, "1 0 0"},
		{[]int64{2, 0, 1, 1}, nil, "1 1 0"},
		{[]int64{2, 0, 1, 3, 4, -1}, nil, "0 0 2"},
		{[]int64{2, 0, 1, 3}, []string{"x"}, "0 0 1"},
	} {
		v := JudgeIDs(4, c.ids, c.torn)
		if got := fmt.Sprint(v.Lost, " ", v.Doubled, " ", v.Wrong); got != c.want {
			t.Errorf("%v: %s, want %s", c.ids, got, c.want)
		}
	}
}

// TestEntries holds the properties that the truth depends on.
func TestEntries(t *testing.T) {
	same := 0
	for n := range small.Rows {
		e := small.Entry(n)
		if e != small.Entry(n) || e.ID != n {
			t.Fatalf("entry %d is not a function of its number", n)
		}
		nominal := epoch + n*small.Spacing.Milliseconds()
		if e.At > nominal || e.At < nominal-small.Disorder.Milliseconds() {
			t.Fatalf("entry %d is at %d, its place in the stream says %d", n, e.At, nominal)
		}
		if o := (Size{Seed: 4, Rows: small.Rows, Accounts: 40}.WithDefaults()).Entry(n); o.Amount == e.Amount && o.Account == e.Account {
			same++
		}
	}
	if same > 100 {
		t.Errorf("%d of %d entries are the same under another seed", same, small.Rows)
	}
}

func TestTruth(t *testing.T) {
	want := TruthOf(small)
	if int64(len(want.Journal)) != small.Rows || len(want.Accounts) < 40 || len(want.Branches) < small.Branches {
		t.Fatalf("%d entries, %d windows of accounts, %d of branches", len(want.Journal), len(want.Accounts), len(want.Branches))
	}
	for name, table := range map[string]map[Cell]Total{"accounts": want.Accounts, "branches": want.Branches} {
		n := int64(0)
		for _, total := range table {
			n += total.Entries
		}
		if n != small.Rows {
			t.Errorf("%s count %d entries, there are %d", name, n, small.Rows)
		}
	}
}

func TestInput(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "in")
	if err := WriteInput(dir, small); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.csv"))
	slices.Sort(files)
	var n int64
	var last time.Time
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "id,") {
				continue
			}
			e := small.Entry(n)
			if want := fmt.Sprintf("%d,%s,%d,%s\n", e.ID, e.Account, e.Amount, time.UnixMilli(e.At).UTC().Format("2006-01-02T15:04:05.000Z")); line != want {
				t.Fatalf("line %q, want %q", line, want)
			}
			n++
		}
		st, err := os.Stat(f)
		if err != nil || !st.ModTime().After(last) {
			t.Fatalf("%s is not younger than the file before it: %v", f, err)
		}
		last = st.ModTime()
	}
	if n != small.Rows || len(files) != inputFiles {
		t.Fatalf("%d lines in %d files", n, len(files))
	}
}

// folder writes a folder as the files sink does.
func folder(t *testing.T, batches ...string) string {
	dir := filepath.Join(t.TempDir(), "journal")
	if err := os.MkdirAll(filepath.Join(dir, "_manifest"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i, text := range batches {
		name, sum := fmt.Sprintf("%d-0-x.ndjson", i), sha256.Sum256([]byte(text))
		m, _ := json.Marshal(map[string]any{"batch": i, "files": []listed{{name, int64(strings.Count(text, "\n")), int64(len(text)), hex.EncodeToString(sum[:])}}})
		for path, content := range map[string][]byte{name: []byte(text), fmt.Sprintf("_manifest/%d.json", i): m} {
			if err := os.WriteFile(filepath.Join(dir, path), content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

const (
	first  = `{"id":0,"account":"a","amount":5}` + "\n" + `{"id":1,"account":"a","amount":6}` + "\n"
	second = `{"id":2,"account":"b","amount":7}` + "\n"
)

// TestRead reads folders, whole and torn.
func TestRead(t *testing.T) {
	for _, c := range []struct {
		name       string
		spoil      func(dir string) error
		rows, torn int
	}{
		{"whole", func(string) error { return nil }, 3, 0},
		{"a file that no manifest lists", func(dir string) error { return os.WriteFile(filepath.Join(dir, "9-0-y.ndjson"), []byte(first), 0o644) }, 3, 0},
		{"a file that is gone", func(dir string) error { return os.Remove(filepath.Join(dir, "0-0-x.ndjson")) }, 1, 1},
		{"a file cut short", func(dir string) error { return os.Truncate(filepath.Join(dir, "0-0-x.ndjson"), 50) }, 1, 1},
		{"a file of another attempt", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "1-0-x.ndjson"), []byte(strings.Replace(second, "7", "8", 1)), 0o644)
		}, 2, 1},
		{"a manifest cut short", func(dir string) error { return os.Truncate(filepath.Join(dir, "_manifest/0.json"), 20) }, 1, 1},
		{"a manifest that is gone", func(dir string) error { return os.Remove(filepath.Join(dir, "_manifest/0.json")) }, 1, 0},
	} {
		dir := folder(t, first, second)
		if err := c.spoil(dir); err != nil {
			t.Fatal(err)
		}
		got, err := Read(Place{Dir: filepath.Dir(dir), SQLite: true})
		if err != nil || len(got.Journal) != c.rows || len(got.Torn) != c.torn {
			t.Errorf("%s: %d rows, torn %q, %v; want %d rows and %d torn", c.name, len(got.Journal), got.Torn, err, c.rows, c.torn)
		}
	}
	for name, text := range map[string]string{"half a line": first[:50], "an unknown column": `{"id":1,"x":2}` + "\n"} {
		if got, _ := Read(Place{Dir: filepath.Dir(folder(t, text))}); len(got.Torn) == 0 {
			t.Errorf("%s: not torn", name)
		}
	}
}
