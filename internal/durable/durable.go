// Package durable writes files that are either whole or not there, whenever the machine stops.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrNotFile says that what is there is no file, but a folder, a pipe or a device.
var ErrNotFile = errors.New("it is there, and is no file")

// WriteFile writes data to the file of that name, in place of whatever was there. When it returns nil the new
// content is on the disk; when it returns an error, or does not return, what was there before still is. What is there
// must be a file, or a link, which is replaced and not followed: a device such as /dev/null is left alone.
//
// It writes to a temporary file beside it, makes that durable, renames it, and makes the rename durable: a rename
// within a folder is atomic (POSIX), and not durable before the folder is.
func WriteFile(name string, data []byte, perm fs.FileMode) (err error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return &fs.PathError{Op: "write", Path: name, Err: ErrNotFile}
	}
	dir := filepath.Dir(name)
	f, err := os.CreateTemp(dir, "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write %s: %w", name, err), f.Close(), os.Remove(f.Name()))
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Chmod(perm); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), name); err != nil {
		return err
	}
	if e := f.Close(); e != nil { // the name is taken: there is nothing to remove
		return fmt.Errorf("write %s: %w", name, e)
	}
	if e := syncDir(dir); e != nil {
		return fmt.Errorf("write %s: %w", name, e)
	}
	return nil
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
