// Package sqlite keeps what the program must not forget in one file, by SQLite: for one machine, which is most. Store is
// that of a home, Registry that of a registry of labels.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	_ "modernc.org/sqlite" // the driver
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrDamaged is the cause where the file is no database, or one that is not whole. It is kept as it is.
var ErrDamaged = errors.New("database is damaged")

// ErrNewer is the cause where the database was written by a later version of the program.
var ErrNewer = errors.New("database is of a later version of the program")

// database is a file that is open.
type database struct {
	write *sql.DB // one connection: SQLite has one writer
	read  *sql.DB
}

func (s *database) reader() *sql.DB { return s.read }

func (s *database) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return s.write.ExecContext(ctx, query, args...)
}

// openDatabase opens a database with the migrations of a folder. Its writer keeps so many MiB of it in memory, each reader
// a quarter; what is written waits in a file of as many before it takes its place, so that what was written twice by then
// is moved once.
func openDatabase(ctx context.Context, name string, migrations fs.FS, dir string, memory int) (*database, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	// Only the owner may read who is in a home. SQLite gives its other files the rights of this one.
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := errors.Join(f.Close(), cut(name)); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	s := &database{}
	// A transaction that reads and then writes takes the lock at once, or two of them would wait for each other.
	write := fmt.Sprintf("_txlock=immediate&_pragma=cache_size(-%d)&_pragma=wal_autocheckpoint(%d)&_pragma=journal_size_limit(%d)", memory<<10, memory<<8, memory<<21)
	if s.write, err = open(name, write+"&"+lasting); err != nil {
		return nil, err
	}
	s.write.SetMaxOpenConns(1)
	if s.read, err = open(name, fmt.Sprintf("mode=ro&_pragma=cache_size(-%d)&", memory<<8)+lasting); err != nil {
		return nil, errors.Join(err, s.write.Close())
	}
	s.read.SetMaxOpenConns(4)
	if err := s.prepare(ctx, migrations, dir); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", name, err), s.Close())
	}
	return s, nil
}

// lasting are the settings with which what is committed is on the disk.
const lasting = "_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=foreign_keys(1)"

func open(name, more string) (*sql.DB, error) {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: name}).EscapedPath()}
	db, err := sql.Open("sqlite", u.String()+"?_pragma=busy_timeout(5000)&_pragma=trusted_schema(0)&_pragma=temp_store(2)&_pragma=cell_size_check(1)&"+more)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", name, err)
	}
	return db, nil
}

// cut is that a database ends within a page, which SQLite does not mind, and no log has the rest.
func cut(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if log, err := os.Stat(name + "-wal"); info.Size()%pageSize != 0 && (err != nil || log.Size() == 0) {
		return fmt.Errorf("%w: it is cut off after %d octets", ErrDamaged, info.Size())
	}
	return nil
}

// pageSize is SQLite’s, unless it is told otherwise.
const pageSize = 4096

// Close ends the use of the database.
func (s *database) Close() error {
	err := s.read.Close()
	if s.write != nil { // the last one that may write puts the log into the database
		err = errors.Join(err, s.write.Close())
	}
	return err
}

// prepare checks the database and applies the migrations that it has not seen.
func (s *database) prepare(ctx context.Context, migrations fs.FS, dir string) error {
	if err := check(ctx, s.write); err != nil {
		return err
	}
	names, err := fs.Glob(migrations, dir+"/*.sql")
	if err != nil {
		return err
	}
	slices.Sort(names)
	var version int
	if err := s.write.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return damaged(err)
	}
	if version > len(names) {
		return fmt.Errorf("%w: it is of version %d, and this program knows %d", ErrNewer, version, len(names))
	}
	for i := version; i < len(names); i++ {
		text, err := fs.ReadFile(migrations, names[i])
		if err != nil {
			return err
		}
		err = s.change(ctx, func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, string(text)); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", i+1))
			return err
		})
		if err != nil {
			return fmt.Errorf("migrate to version %d: %w", i+1, err)
		}
	}
	return nil
}

// checked is the largest database that is read whole before it is used, octets. Of larger ones, which would take long,
// each page is checked as it is read.
const checked = 64 << 20

// check says whether the database is whole.
func check(ctx context.Context, db *sql.DB) error {
	var size int64
	if err := db.QueryRowContext(ctx, "select page_count * page_size from pragma_page_count(), pragma_page_size()").Scan(&size); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return damaged(err)
	}
	if size > checked {
		return nil
	}
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return damaged(err)
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, verdict)
	}
	return nil
}

// damaged marks the errors that SQLite has for a file that is none of its own, or not whole.
func damaged(err error) error {
	for _, sign := range []string{"(26)", "(11)", "not a database", "malformed"} {
		if strings.Contains(err.Error(), sign) {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	return err
}

// change does something in one transaction, which is on the disk when change returns nil.
func (s *database) change(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
