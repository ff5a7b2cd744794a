package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// forgottenName marks a checkpoint whose content was given up: once it is there,
// whoever comes next finishes the work.
const forgottenName = "forgotten"

// content are the folders that Forget empties. Epochs stay: the next one must be
// higher than any that a sink has seen, and a zombie must find that it was
// replaced. Beats stay with them.
var content = []string{"log", "state", "tables", "receivers", tmp}

// ForeignError is a directory that holds files, and no checkpoint.
type ForeignError struct {
	Place string
	File  string // one of them
}

// Error names the place and says how to go on.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s holds no checkpoint but other files, %s among them: choose another directory with --checkpoint", e.Place, e.File)
}

// Forget gives up what a checkpoint holds, whichever job made it, so that the
// next driver starts the job over. It claims an epoch as Acquire does: it
// returns *HeldError if a driver lives (with Takeover that driver is fenced), and
// no zombie can write into what comes after. A new checkpoint is left as it is; a
// directory with other files, too, with *ForeignError. It is all or nothing: an
// interrupted one is finished by whoever takes the checkpoint next.
func Forget(ctx context.Context, s Store, o LockOptions) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	if is, err := isNew(s); err != nil || is {
		return err
	}
	l, err := take(ctx, s, o)
	if err != nil {
		return fmt.Errorf("--fresh: %w", err)
	}
	err = WriteFile(s, forgottenName, nil)
	if err == nil {
		err = finishForgetting(s)
	}
	if err != nil {
		err = fmt.Errorf("--fresh: forget checkpoint %s: %w", s, err)
	}
	return errors.Join(err, l.Release())
}

// isNew tells that no driver ever had the checkpoint.
func isNew(s Store) (bool, error) {
	if _, err := ReadMeta(s); !errors.Is(err, fs.ErrNotExist) {
		return false, nil // also if it cannot be read: that is a reason to forget it
	}
	h, err := Latest(s)
	if err != nil || h.Epoch > 0 {
		return false, err
	}
	if f, ok := s.(interface{ foreign() error }); ok {
		return true, f.foreign()
	}
	return true, nil
}

func isForgotten(s Store) (bool, error) {
	_, err := s.Stat(forgottenName)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// finishForgetting empties a checkpoint that bears the mark, which goes last.
func finishForgetting(s Store) error {
	if is, err := isForgotten(s); err != nil || !is {
		return err
	}
	for _, f := range content {
		if err := empty(s, f); err != nil {
			return fmt.Errorf("empty %s: %w", f, err)
		}
	}
	for _, name := range []string{metaName, forgottenName} {
		if err := s.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func empty(s Store, folder string) error {
	if e, ok := s.(interface{ empty(folder string) error }); ok {
		return e.empty(folder)
	}
	es, err := s.List(folder)
	for _, e := range es {
		if rerr := s.Remove(e.Name); !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
	}
	return err
}

// empty also removes folders, which connectors make for themselves.
func (d *Dir) empty(folder string) error {
	es, err := d.fsys.List(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range es {
		name := path.Join(folder, e.Name)
		if e.Size < 0 {
			err = errors.Join(err, d.empty(name))
		}
		if rerr := d.fsys.Remove(name); !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
	}
	d.mu.Lock()
	for f := range d.folders {
		if strings.HasPrefix(f, folder+"/") {
			delete(d.folders, f)
		}
	}
	d.mu.Unlock()
	if err == nil {
		err = d.syncDir(folder)
	}
	return d.wrap("empty", folder, err)
}

// foreign returns *ForeignError if somebody else's files are here.
func (d *Dir) foreign() error {
	es, err := d.fsys.List(".")
	if err != nil {
		return d.wrap("list", ".", err)
	}
	own := map[string]bool{metaName: true, "lock": true, forgottenName: true}
	for _, f := range layout {
		own[f] = true
	}
	for _, e := range es {
		if !own[e.Name] {
			return &ForeignError{Place: d.place, File: e.Name}
		}
	}
	return nil
}
