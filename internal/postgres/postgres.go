// Package postgres keeps a registry of labels in PostgreSQL: for one that several machines serve, or that somebody keeps
// who keeps such databases anyway. It does what sqlite.Registry does, and the tests of package storetest hold both to it.
package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/label"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrNewer is the cause where the database was written by a later version of the program.
var ErrNewer = errors.New("database is of a later version of the program")

// lock is that of migrations among PostgreSQL’s advisory locks: any number that nobody else has.
const lock = 0x706c696d736f6c6c

// Registry is the database of a registry of labels. Any number of goroutines may use it.
type Registry struct{ pool *pgxpool.Pool }

// Open connects to the database of a URL (postgres://…) and brings it up to date.
func Open(ctx context.Context, url string) (*Registry, error) {
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	c.MaxConns = max(c.MaxConns, 8)
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	s := &Registry{pool}
	if err := s.migrate(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("open database: %w", err)
	}
	return s, nil
}

// Close ends the use of the database.
func (s *Registry) Close() error {
	s.pool.Close()
	return nil
}

// migrate applies the migrations that the database has not seen, each in a transaction. One process does at a time.
func (s *Registry) migrate(ctx context.Context) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	slices.Sort(names)
	for i := 0; ; i++ {
		done := false
		err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", int64(lock)); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "create table if not exists plimsoll_version (version integer not null)"); err != nil {
				return err
			}
			var version int
			if err := tx.QueryRow(ctx, "select coalesce(max(version), 0) from plimsoll_version").Scan(&version); err != nil {
				return err
			}
			if version > len(names) {
				return fmt.Errorf("%w: it is of version %d, and this program knows %d", ErrNewer, version, len(names))
			}
			if done = version == len(names); done {
				return nil
			}
			text, err := migrations.ReadFile(names[version])
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, string(text)); err != nil {
				return fmt.Errorf("migrate to version %d: %w", version+1, err)
			}
			_, err = tx.Exec(ctx, "insert into plimsoll_version (version) values ($1)", version+1)
			return err
		})
		if err != nil || done {
			return err
		}
	}
}

// one reads the row of a query, of which there may be none.
func one[T any](rows pgx.Rows, err error, what string, scan func(pgx.CollectableRow) (T, error)) (T, error) {
	if err == nil {
		var v T
		if v, err = pgx.CollectExactlyOneRow(rows, scan); err == nil {
			return v, nil
		}
	}
	var zero T
	if errors.Is(err, pgx.ErrNoRows) {
		return zero, fmt.Errorf("%s: %w", what, registry.ErrUnknown)
	}
	return zero, fmt.Errorf("read %s: %w", what, err)
}

// list reads all rows of a query.
func list[T any](rows pgx.Rows, err error, what string, scan func(pgx.CollectableRow) (T, error)) ([]T, error) {
	if err == nil {
		var all []T
		if all, err = pgx.CollectRows(rows, scan); err == nil {
			return all, nil
		}
	}
	return nil, fmt.Errorf("read %s: %w", what, err)
}

func milli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

const selectLabel = "select id, sign1, account, category, granted, log_index, status, changed, changes, picture from label "

func scanLabel(r pgx.CollectableRow) (*registry.Label, error) {
	var l registry.Label
	var id, picture []byte
	var granted, changed int64
	if err := r.Scan(&id, &l.Sign1, &l.Account, &l.Category, &granted, &l.Index, &l.Status, &changed, &l.Changes, &picture); err != nil {
		return nil, err
	}
	copy(l.ID[:], id)
	copy(l.Picture[:], picture)
	l.Granted, l.Changed = milli(granted), milli(changed)
	return &l, nil
}

const selectEntry = "select seq, kind, hash, body, account, at, floor, coalesce(key, ''), log_index, label, gtin, status_index, status from entry "

func scanEntry(r pgx.CollectableRow) (*registry.Entry, error) {
	e := &registry.Entry{}
	return e, scanEntryInto(r, e)
}

func scanEntryInto(r pgx.CollectableRow, e *registry.Entry, more ...any) error {
	var hash, about []byte
	var at int64
	var index *int64
	err := r.Scan(append([]any{&e.Seq, &e.Kind, &hash, &e.Body, &e.Account, &at, &e.Floor, &e.Key, &index, &about, &e.GTIN, &e.StatusIndex, &e.Status}, more...)...)
	if err != nil {
		return err
	}
	copy(e.Hash[:], hash)
	copy(e.Label[:], about)
	e.At = milli(at)
	if index != nil {
		e.Logged, e.Index = true, uint64(*index)
	}
	return e.Read()
}

// Accounts are all, by ID.
func (s *Registry) Accounts(ctx context.Context) ([]registry.Account, error) {
	rows, err := s.pool.Query(ctx, `select id, name, role, since from account order by id collate "C"`)
	all, err := list(rows, err, "accounts", func(r pgx.CollectableRow) (a registry.Account, _ error) {
		var since int64
		err := r.Scan(&a.ID, &a.Name, &a.Role, &since)
		a.Since = milli(since)
		return a, err
	})
	if err != nil {
		return nil, err
	}
	of := map[string]*registry.Account{}
	for i := range all {
		of[all[i].ID] = &all[i]
	}
	rows, err = s.pool.Query(ctx, "select account, public, from_day, until_day from account_key order by account, from_day, public")
	_, err = list(rows, err, "keys", func(r pgx.CollectableRow) (struct{}, error) {
		var id string
		var public []byte
		var k registry.Key
		err := r.Scan(&id, &public, &k.From, &k.Until)
		k.Public = public
		if a := of[id]; a != nil {
			a.Keys = append(a.Keys, k)
		}
		return struct{}{}, err
	})
	if err != nil {
		return nil, err
	}
	rows, err = s.pool.Query(ctx, "select account, first, size from account_block order by first")
	_, err = list(rows, err, "blocks", func(r pgx.CollectableRow) (struct{}, error) {
		var id string
		var b registry.Block
		err := r.Scan(&id, &b.First, &b.Size)
		if a := of[id]; a != nil {
			a.Blocks = append(a.Blocks, b)
		}
		return struct{}{}, err
	})
	return all, err
}

// SaveAccount keeps an account, with its keys and blocks in place of those that were there.
func (s *Registry) SaveAccount(ctx context.Context, a *registry.Account) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into account (id, name, role, since) values ($1, $2, $3, $4)
			on conflict (id) do update set name = excluded.name, role = excluded.role`, a.ID, a.Name, string(a.Role), a.Since.UnixMilli())
		if err != nil {
			return err
		}
		for _, table := range []string{"account_key", "account_block"} {
			if _, err := tx.Exec(ctx, "delete from "+table+" where account = $1", a.ID); err != nil {
				return err
			}
		}
		for _, k := range a.Keys {
			_, err := tx.Exec(ctx, "insert into account_key (public, account, from_day, until_day) values ($1, $2, $3, $4)", []byte(k.Public), a.ID, int64(k.From), int64(k.Until))
			if err != nil {
				return err
			}
		}
		for _, b := range a.Blocks {
			if _, err := tx.Exec(ctx, "insert into account_block (first, size, account) values ($1, $2, $3)", int64(b.First), int64(b.Size), a.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save account %s: %w", a.ID, err)
	}
	return nil
}

// Pending are the entries that are not marked as logged.
func (s *Registry) Pending(ctx context.Context) ([]*registry.Entry, error) {
	rows, err := s.pool.Query(ctx, selectEntry+"where log_index is null order by seq")
	return list(rows, err, "entries", scanEntry)
}

// Entry is the one of that hash.
func (s *Registry) Entry(ctx context.Context, hash label.Hash) (*registry.Entry, error) {
	rows, err := s.pool.Query(ctx, selectEntry+"where hash = $1", hash[:])
	return one(rows, err, "entry", scanEntry)
}

// Statuses gives the status of each label that is logged.
func (s *Registry) Statuses(ctx context.Context, give func(uint32, label.Status)) error {
	rows, err := s.pool.Query(ctx, "select status_index, status from label where log_index is not null")
	if err != nil {
		return fmt.Errorf("read statuses: %w", err)
	}
	var index uint32
	var status label.Status
	_, err = pgx.ForEachRow(rows, []any{&index, &status}, func() error {
		give(index, status)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read statuses: %w", err)
	}
	return nil
}

// Label is a label that is logged.
func (s *Registry) Label(ctx context.Context, id label.Hash) (*registry.Label, error) {
	rows, err := s.pool.Query(ctx, selectLabel+"where id = $1 and log_index is not null", id[:])
	return one(rows, err, "label", scanLabel)
}

// LabelsOf are those of a product, the newest first.
func (s *Registry) LabelsOf(ctx context.Context, gtin uint64, limit int) ([]*registry.Label, error) {
	rows, err := s.pool.Query(ctx, selectLabel+"where gtin = $1 and log_index is not null order by log_index desc limit $2", int64(gtin), limit)
	return list(rows, err, "labels", scanLabel)
}

// Labels are those behind a place in the log.
func (s *Registry) Labels(ctx context.Context, after int64, limit int) ([]*registry.Label, error) {
	rows, err := s.pool.Query(ctx, selectLabel+"where log_index > $1 order by log_index limit $2", after, limit)
	return list(rows, err, "labels", scanLabel)
}

// Changes are those of a label that are logged.
func (s *Registry) Changes(ctx context.Context, id label.Hash, limit int) ([]*registry.Entry, error) {
	rows, err := s.pool.Query(ctx, selectEntry+"where label = $1 and kind = 'change' and log_index is not null order by seq limit $2", id[:], limit)
	return list(rows, err, "changes", scanEntry)
}

// Events are grants and changes that are logged, the newest first.
func (s *Registry) Events(ctx context.Context, before int64, limit int) ([]*registry.Event, error) {
	if before <= 0 {
		before = 1<<63 - 1
	}
	rows, err := s.pool.Query(ctx, `select e.seq, e.kind, e.hash, e.body, e.account, e.at, e.floor, coalesce(e.key, ''), e.log_index, e.label, e.gtin,
		e.status_index, e.status, p.maker, p.model, p.category
		from entry e join product p on p.gtin = e.gtin where e.kind in ('grant', 'change') and e.log_index < $1 order by e.log_index desc limit $2`, before, limit)
	return list(rows, err, "events", func(r pgx.CollectableRow) (*registry.Event, error) {
		e := &registry.Event{}
		err := scanEntryInto(r, &e.Entry, &e.Product.Maker, &e.Product.Model, &e.Product.Category)
		e.Product.GTIN = e.GTIN
		return e, err
	})
}

// Expired are labels that are still active or suspended, and expired before a day.
func (s *Registry) Expired(ctx context.Context, day label.Day, limit int) ([]label.Hash, error) {
	rows, err := s.pool.Query(ctx, `select id from label where expires > 0 and expires < $1 and status in ('active', 'suspended')
		and log_index is not null and pending = 0 order by expires limit $2`, int64(day), limit)
	return list(rows, err, "labels", func(r pgx.CollectableRow) (h label.Hash, _ error) {
		var id []byte
		err := r.Scan(&id)
		copy(h[:], id)
		return h, err
	})
}

// Document is one that was sent as evidence.
func (s *Registry) Document(ctx context.Context, hash label.Hash) (*registry.Document, error) {
	rows, err := s.pool.Query(ctx, "select media, body from document where hash = $1", hash[:])
	return one(rows, err, "document", func(r pgx.CollectableRow) (*registry.Document, error) {
		d := &registry.Document{Hash: hash}
		return d, r.Scan(&d.Media, &d.Body)
	})
}

// LastIndex is the highest status index of a block that is used.
func (s *Registry) LastIndex(ctx context.Context, b registry.Block) (last uint32, used bool, err error) {
	rows, err := s.pool.Query(ctx, "select max(status_index) from label where status_index >= $1 and status_index < $2", int64(b.First), int64(b.First)+int64(b.Size))
	n, err := one(rows, err, "status index", func(r pgx.CollectableRow) (n *int64, _ error) { return n, r.Scan(&n) })
	if err != nil || n == nil {
		return 0, false, err
	}
	return uint32(*n), true, nil
}
