package ledger

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // database/sql's driver "sqlite"
)

// Place is where the outputs of a job are, below a folder: journal and balances are folders of files, and so are the tables, or they are in
// an SQLite file.
type Place struct {
	Dir    string
	SQLite bool
}

// Sinks are the URLs of the job's sinks.
func (p Place) Sinks() map[string]string {
	out := map[string]string{}
	for _, table := range []string{"accounts", "branches"} {
		out[table] = "files://" + filepath.Join(p.Dir, table) + "?format=json"
		if p.SQLite { // a process that is stopped keeps its lock
			out[table] = "sqlite://" + p.db() + "?table=" + table + "&busy_timeout=90s"
		}
	}
	for _, folder := range []string{"journal", "balances"} {
		out[folder] = "files://" + filepath.Join(p.Dir, folder) + "?format=json"
	}
	return out
}

func (p Place) db() string { return filepath.Join(p.Dir, "tables.db") }

// Read collects what is there: tables in one transaction, and what manifests list. A sink that was not written to yet is empty.
func Read(p Place) (out Outputs, err error) {
	if p.SQLite {
		out, err = readTables(p.db())
	} else {
		err = readFolders(p.Dir, &out)
	}
	if err != nil {
		return out, err
	}
	type line struct {
		ID int64 `json:"id"`
		Line
	}
	lines, torn, err := readFolder[line](filepath.Join(p.Dir, "journal"))
	if err != nil {
		return out, err
	}
	for _, l := range lines {
		out.Journal = append(out.Journal, Row[int64, Line]{l.ID, l.Line})
	}
	out.Torn = append(out.Torn, torn...)
	type balance struct {
		Name string `json:"name"`
		Total
	}
	balances, torn, err := readFolder[balance](filepath.Join(p.Dir, "balances"))
	for _, b := range balances {
		out.Balances = append(out.Balances, Row[Post, int64]{Post{b.Name, b.Entries}, b.Sum})
	}
	out.Torn = append(out.Torn, torn...)
	return out, err
}

// ReadIDs collects the column id of a folder.
func ReadIDs(dir string) (ids []int64, torn []string, err error) {
	rows, torn, err := readFolder[struct {
		ID int64 `json:"id"`
	}](dir)
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	return ids, torn, err
}

// readFolders collects the tables from folders. Each row is written once, when its window closes.
func readFolders(dir string, out *Outputs) error {
	type row struct {
		Name  string    `json:"name"`
		Start time.Time `json:"start"`
		Total
	}
	for table, to := range map[string]*[]Row[Cell, Total]{"accounts": &out.Accounts, "branches": &out.Branches} {
		rows, torn, err := readFolder[row](filepath.Join(dir, table))
		if err != nil {
			return err
		}
		for _, r := range rows {
			*to = append(*to, Row[Cell, Total]{Cell{r.Name, r.Start.UnixMilli()}, r.Total})
		}
		out.Torn = append(out.Torn, torn...)
	}
	return nil
}

// readTables collects the tables accounts and branches, in one transaction: what a reader may see at that moment.
func readTables(path string) (out Outputs, err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro&_pragma=busy_timeout(60000)")
	if err != nil {
		return out, err
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		return out, fmt.Errorf("read %s: %w", path, err)
	}
	defer tx.Rollback()
	if out.Accounts, err = readTable(tx, "accounts"); err != nil {
		return out, err
	}
	out.Branches, err = readTable(tx, "branches")
	return out, err
}

func readTable(tx *sql.Tx, table string) ([]Row[Cell, Total], error) {
	rows, err := tx.Query(`SELECT name, start, entries, sum FROM ` + table)
	if err != nil && strings.Contains(err.Error(), "no such table") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read table %s: %w", table, err)
	}
	defer rows.Close()
	var out []Row[Cell, Total]
	for rows.Next() {
		var r Row[Cell, Total]
		var start time.Time
		if err := rows.Scan(&r.Key.Name, &start, &r.Value.Entries, &r.Value.Sum); err != nil {
			return nil, fmt.Errorf("read table %s: %w", table, err)
		}
		r.Key.Start = start.UnixMilli()
		out = append(out, r)
	}
	return out, rows.Err()
}

// listed is a file of a manifest of the files sink.
type listed struct {
	Name   string `json:"name"`
	Rows   int64  `json:"rows"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// readFolder reads what a reader of manifests does, and nothing else. A file that is not as its manifest says is torn.
func readFolder[T any](dir string) (out []T, torn []string, err error) {
	manifests, err := filepath.Glob(filepath.Join(dir, "_manifest", "*.json"))
	if err != nil {
		return nil, nil, err
	}
	for _, path := range manifests {
		var m struct{ Files []listed }
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, err
		}
		if err := json.Unmarshal(text, &m); err != nil {
			torn = append(torn, fmt.Sprintf("manifest %s: %v", filepath.Base(path), err))
			continue
		}
		for _, f := range m.Files {
			rows, err := readListed[T](dir, f)
			if err != nil {
				torn = append(torn, fmt.Sprintf("file %s of manifest %s: %v", f.Name, filepath.Base(path), err))
			}
			out = append(out, rows...)
		}
	}
	return out, torn, nil
}

func readListed[T any](dir string, f listed) (out []T, err error) {
	text, err := os.ReadFile(filepath.Join(dir, f.Name))
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != f.SHA256 || int64(len(text)) != f.Size {
		return nil, fmt.Errorf("%d bytes with another digest than the %d of the manifest", len(text), f.Size)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	for {
		var row T
		err := dec.Decode(&row)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return out, err
		}
		out = append(out, row)
	}
	if int64(len(out)) != f.Rows {
		return out, fmt.Errorf("%d rows, the manifest says %d", len(out), f.Rows)
	}
	return out, nil
}
