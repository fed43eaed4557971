// Package sqlite keeps what the program must not forget in one file, by SQLite: for one machine, which is most.
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
	"sync/atomic"

	_ "modernc.org/sqlite" // the driver
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrDamaged is the cause where the file is no database, or one that is not whole. It is kept as it is.
var ErrDamaged = errors.New("database is damaged")

// ErrNewer is the cause where the database was written by a later version of the program.
var ErrNewer = errors.New("database is of a later version of the program")

// ErrReading is the cause where nothing can be written, though what is there can be read: the disk is full, or may not be
// written. Mend tries again.
var ErrReading = errors.New("database can only be read")

// Store is a database. Any number of goroutines may use it; one process does.
type Store struct {
	name string
	at   atomic.Pointer[handles]
}

// handles are the ways to a database.
type handles struct {
	write *sql.DB // one connection: SQLite has one writer
	read  *sql.DB
	why   error // nothing can be written; nil: it can
}

func (h *handles) close() error {
	var errs []error
	for _, db := range []*sql.DB{h.read, h.write} { // the last one that may write puts the log into the database
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// Open opens the database of that name, makes it if it is not there, and brings it up to date. What is damaged is
// refused with ErrDamaged, and left for whoever can repair it. One that cannot be written is opened for reading, which
// Reading tells.
func Open(ctx context.Context, name string) (*Store, error) {
	s := &Store{name: name}
	h, err := openWriting(ctx, name)
	if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer) && ctx.Err() == nil {
		var readErr error
		if h, readErr = openReading(ctx, name); readErr != nil {
			return nil, fmt.Errorf("open database %s: %w", name, err)
		}
		h.why, err = err, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", name, err)
	}
	s.at.Store(h)
	return s, nil
}

// Reading is why the database can only be read, an error that wraps ErrReading; nil if it can be written.
func (s *Store) Reading() error {
	if why := s.at.Load().why; why != nil {
		return fmt.Errorf("%w: %w", ErrReading, why)
	}
	return nil
}

// Mend tries to write to a database again that could only be read. It is for one goroutine at a time. While it does,
// others may be told that the database is closed.
func (s *Store) Mend(ctx context.Context) error {
	old := s.at.Load()
	if old.why == nil {
		return nil
	}
	if err := writable(filepath.Dir(s.name)); err != nil {
		return fmt.Errorf("%w: %w", ErrReading, err)
	}
	// Who has it open for reading keeps others of this process from writing.
	if err := old.close(); err != nil {
		return err
	}
	h, err := openWriting(ctx, s.name)
	if err != nil {
		var readErr error
		if h, readErr = openReading(ctx, s.name); readErr != nil {
			return errors.Join(err, readErr)
		}
		h.why = err
	}
	s.at.Store(h)
	return s.Reading()
}

// writable reports whether a folder has room for what a database needs beside it.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".room.*")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 64<<10))
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

func openWriting(ctx context.Context, name string) (*handles, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, err
	}
	// Only the owner may read who is in a home. SQLite gives its other files the rights of this one.
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Close(), cut(name)); err != nil {
		return nil, err
	}
	h := &handles{}
	// A transaction that reads and then writes takes the lock at once, or two of them would wait for each other.
	if h.write, err = open(name, lasting, "_txlock=immediate"); err != nil {
		return nil, err
	}
	h.write.SetMaxOpenConns(1)
	if h.read, err = open(name, lasting, "mode=ro"); err != nil {
		return nil, errors.Join(err, h.close())
	}
	h.read.SetMaxOpenConns(4)
	if err := h.prepare(ctx); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

// openReading opens a database that is there and of this version, without writing anything.
func openReading(ctx context.Context, name string) (*handles, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrDamaged)
	}
	if err := cut(name); err != nil {
		return nil, err
	}
	how := "mode=ro"
	if log, err := os.Stat(name + "-wal"); err != nil || log.Size() == 0 {
		how = "immutable=1" // without a log there is nothing that other files could add
	}
	h := &handles{}
	if h.read, err = open(name, []string{"busy_timeout(5000)", "trusted_schema(0)", "temp_store(2)", "cell_size_check(1)", "cache_size(-512)"}, how); err != nil {
		return nil, err
	}
	h.read.SetMaxOpenConns(4)
	version, err := check(ctx, h.read)
	if err == nil {
		var names []string
		if names, err = fs.Glob(migrations, "migrations/*.sql"); err == nil && version != len(names) {
			err = fmt.Errorf("it is of version %d, and cannot be brought up to %d", version, len(names))
		}
	}
	if err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
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

// lasting are the settings with which what is committed is on the disk.
var lasting = []string{
	"busy_timeout(5000)", "journal_mode(wal)", "synchronous(full)", "foreign_keys(1)",
	"trusted_schema(0)", "temp_store(2)", "cell_size_check(1)", "journal_size_limit(4194304)",
	"cache_size(-512)", // KiB, of each connection
}

func open(name string, pragmas []string, more string) (*sql.DB, error) {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: name}).EscapedPath()}
	for _, p := range pragmas {
		more += "&_pragma=" + p
	}
	return sql.Open("sqlite", u.String()+"?"+more)
}

// Close ends the use of the database.
func (s *Store) Close() error { return s.at.Load().close() }

func (s *Store) reader() *sql.DB { return s.at.Load().read }

// writer is where to write; its error wraps ErrReading.
func (s *Store) writer() (*sql.DB, error) { return s.at.Load().write, s.Reading() }

// check reports the version of a database that is whole.
func check(ctx context.Context, db *sql.DB) (version int, err error) {
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		return 0, damaged(err)
	}
	if verdict != "ok" {
		return 0, fmt.Errorf("%w: %s", ErrDamaged, verdict)
	}
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return 0, damaged(err)
	}
	return version, nil
}

// prepare checks the database and applies the migrations that it has not seen.
func (h *handles) prepare(ctx context.Context) error {
	version, err := check(ctx, h.write)
	if err != nil {
		return err
	}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	slices.Sort(names)
	if version > len(names) {
		return fmt.Errorf("%w: it is of version %d, and this program knows %d", ErrNewer, version, len(names))
	}
	for i := version; i < len(names); i++ {
		text, err := migrations.ReadFile(names[i])
		if err != nil {
			return err
		}
		err = change(ctx, h.write, func(tx *sql.Tx) error {
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

// damaged marks the errors that SQLite has for a file that is none of its own, or not whole.
func damaged(err error) error {
	for _, sign := range []string{"(26)", "(11)", "not a database", "malformed"} {
		if strings.Contains(err.Error(), sign) {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	return err
}

// exec does one thing, which is on the disk when exec returns nil.
func (s *Store) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	db, err := s.writer()
	if err != nil {
		return nil, err
	}
	return db.ExecContext(ctx, query, args...)
}

// change does something in one transaction, which is on the disk when change returns nil.
func (s *Store) change(ctx context.Context, do func(*sql.Tx) error) error {
	db, err := s.writer()
	if err != nil {
		return err
	}
	return change(ctx, db, do)
}

func change(ctx context.Context, db *sql.DB, do func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
