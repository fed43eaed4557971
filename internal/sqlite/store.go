package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// ErrReading is the cause where nothing can be written, though what is there can be read: the disk is full, or may not be
// written. Mend tries again.
var ErrReading = errors.New("database can only be read")

// Store is the database of a home. Any number of goroutines may use it; one process does.
type Store struct {
	people
	name string
	at   atomic.Pointer[handles]

	mu     sync.Mutex
	unused []string // files that nothing spoke of when Prune looked last
}

// handles are the ways to a database.
type handles struct {
	database
	why error // nothing can be written; nil: it can
}

// storeMemory is how much of a home's database is kept in memory, MiB.
const storeMemory = 2

// Open opens the database of that name, makes it if it is not there, and brings it up to date. What is damaged is
// refused with ErrDamaged, and left for whoever can repair it. One that cannot be written is opened for reading, which
// Reading tells.
func Open(ctx context.Context, name string) (*Store, error) {
	s := &Store{name: name}
	s.people = people{s}
	d, err := openDatabase(ctx, name, migrations, "migrations", storeMemory)
	switch {
	case err == nil:
		s.at.Store(&handles{database: *d})
	case errors.Is(err, ErrDamaged), errors.Is(err, ErrNewer), ctx.Err() != nil:
		return nil, err
	default:
		d, readErr := openReading(ctx, name)
		if readErr != nil {
			return nil, err
		}
		s.at.Store(&handles{database: *d, why: err})
	}
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
	if err := old.Close(); err != nil {
		return err
	}
	h := &handles{}
	d, err := openDatabase(ctx, s.name, migrations, "migrations", storeMemory)
	if err != nil {
		var readErr error
		if d, readErr = openReading(ctx, s.name); readErr != nil {
			return errors.Join(err, readErr)
		}
		h.why = err
	}
	h.database = *d
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

// openReading opens a database that is there and of this version, without writing anything.
func openReading(ctx context.Context, name string) (*database, error) {
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
	d := &database{}
	if d.read, err = open(name, fmt.Sprintf("%s&_pragma=cache_size(-%d)", how, storeMemory<<8)); err != nil {
		return nil, err
	}
	d.read.SetMaxOpenConns(4)
	if err := d.current(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// current checks that a database is whole, and needs no migration.
func (s *database) current(ctx context.Context) error {
	if err := check(ctx, s.read); err != nil {
		return err
	}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	var version int
	if err := s.read.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return damaged(err)
	}
	if version != len(names) {
		return fmt.Errorf("it is of version %d, and cannot be brought up to %d", version, len(names))
	}
	return nil
}

// Close ends the use of the database.
func (s *Store) Close() error { return s.at.Load().Close() }

func (s *Store) reader() *sql.DB { return s.at.Load().read }

// exec does one thing, which is on the disk when exec returns nil.
func (s *Store) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := s.Reading(); err != nil {
		return nil, err
	}
	return s.at.Load().write.ExecContext(ctx, query, args...)
}

// change does something in one transaction, which is on the disk when change returns nil.
func (s *Store) change(ctx context.Context, do func(*sql.Tx) error) error {
	if err := s.Reading(); err != nil {
		return err
	}
	return s.at.Load().change(ctx, do)
}
