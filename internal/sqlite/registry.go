//go:build !gateway

package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"time"

	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/label"
)

//go:embed registry/*.sql
var registryMigrations embed.FS

// Registry is the database of a registry of labels. Any number of goroutines may use it.
type Registry struct {
	database
	people
	label, labelsOf, changes, entry, document *sql.Stmt // that are asked often
}

// OpenRegistry opens the database of that name, makes it if it is not there, and brings it up to date, as Open does.
func OpenRegistry(ctx context.Context, name string) (*Registry, error) {
	d, err := openDatabase(ctx, name, registryMigrations, "registry", 64)
	if err != nil {
		return nil, err
	}
	s := &Registry{database: *d}
	s.people = people{&s.database}
	s.read.SetMaxOpenConns(8)
	s.read.SetMaxIdleConns(8)
	for to, text := range map[**sql.Stmt]string{
		&s.label:    selectLabel + "where id = ? and log_index is not null",
		&s.labelsOf: selectLabel + "where gtin = ? and log_index is not null order by log_index desc limit ?",
		&s.changes:  selectEntry + "where label = ? and kind = 'change' and log_index is not null order by seq limit ?",
		&s.entry:    selectEntry + "where hash = ?",
		&s.document: "select media, body from document where hash = ?",
	} {
		if *to, err = s.read.PrepareContext(ctx, text); err != nil { //nolint:sqlclosecheck // they are closed with the database
			return nil, errors.Join(fmt.Errorf("open database %s: %w", name, err), s.Close())
		}
	}
	return s, nil
}

type row interface{ Scan(...any) error }

// scan reads a row, of which there may be none.
func scan(r row, what string, to ...any) error {
	err := r.Scan(to...)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s: %w", what, registry.ErrUnknown)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	return nil
}

// list reads all rows of a query.
func list[T any](rows *sql.Rows, err error, what string, one func(row) (T, error)) (all []T, _ error) {
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	defer rows.Close()
	for rows.Next() {
		v, err := one(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return all, nil
}

func milli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

const selectLabel = "select id, sign1, account, category, granted, log_index, status, changed, changes, picture from label "

func scanLabel(r row) (*registry.Label, error) {
	var l registry.Label
	var id, picture []byte
	var granted, changed int64
	var status string
	if err := scan(r, "label", &id, &l.Sign1, &l.Account, &l.Category, &granted, &l.Index, &status, &changed, &l.Changes, &picture); err != nil {
		return nil, err
	}
	copy(l.ID[:], id)
	copy(l.Picture[:], picture)
	l.Granted, l.Changed, l.Status = milli(granted), milli(changed), label.Status(status)
	return &l, nil
}

const selectEntry = "select seq, kind, hash, body, account, at, floor, coalesce(key, ''), log_index, label, gtin, status_index, status from entry "

func scanEntry(r row) (*registry.Entry, error) {
	var e registry.Entry
	if err := scanEntryInto(r, &e); err != nil {
		return nil, err
	}
	return &e, nil
}

func scanEntryInto(r row, e *registry.Entry, more ...any) error {
	var hash, about []byte
	var at int64
	var index sql.NullInt64
	var kind, status string
	err := scan(r, "entry", append([]any{&e.Seq, &kind, &hash, &e.Body, &e.Account, &at, &e.Floor, &e.Key, &index, &about, &e.GTIN, &e.StatusIndex, &status}, more...)...)
	if err != nil {
		return err
	}
	copy(e.Hash[:], hash)
	copy(e.Label[:], about)
	e.Kind, e.At, e.Status = registry.Kind(kind), milli(at), label.Status(status)
	e.Logged, e.Index = index.Valid, uint64(index.Int64)
	return e.Read()
}

// Accounts are all, by ID.
func (s *Registry) Accounts(ctx context.Context) ([]registry.Account, error) {
	rows, err := s.read.QueryContext(ctx, "select id, name, role, since from account order by id")
	all, err := list(rows, err, "accounts", func(r row) (a registry.Account, _ error) {
		var since int64
		err := scan(r, "account", &a.ID, &a.Name, &a.Role, &since)
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
	rows, err = s.read.QueryContext(ctx, "select account, public, from_day, until_day from account_key order by account, from_day, public")
	_, err = list(rows, err, "keys", func(r row) (struct{}, error) {
		var id string
		var k registry.Key
		err := scan(r, "key", &id, (*[]byte)(&k.Public), &k.From, &k.Until)
		if a := of[id]; a != nil {
			a.Keys = append(a.Keys, k)
		}
		return struct{}{}, err
	})
	if err != nil {
		return nil, err
	}
	rows, err = s.read.QueryContext(ctx, "select account, first, size from account_block order by first")
	_, err = list(rows, err, "blocks", func(r row) (struct{}, error) {
		var id string
		var b registry.Block
		err := scan(r, "block", &id, &b.First, &b.Size)
		if a := of[id]; a != nil {
			a.Blocks = append(a.Blocks, b)
		}
		return struct{}{}, err
	})
	return all, err
}

// SaveAccount keeps an account, with its keys and blocks in place of those that were there.
func (s *Registry) SaveAccount(ctx context.Context, a *registry.Account) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `insert into account (id, name, role, since) values (?, ?, ?, ?)
			on conflict (id) do update set name = excluded.name, role = excluded.role`, a.ID, a.Name, a.Role, a.Since.UnixMilli())
		if err != nil {
			return err
		}
		for _, table := range []string{"account_key", "account_block"} {
			if _, err := tx.ExecContext(ctx, "delete from "+table+" where account = ?", a.ID); err != nil {
				return err
			}
		}
		for _, k := range a.Keys {
			_, err := tx.ExecContext(ctx, "insert into account_key (public, account, from_day, until_day) values (?, ?, ?, ?)", []byte(k.Public), a.ID, k.From, k.Until)
			if err != nil {
				return err
			}
		}
		for _, b := range a.Blocks {
			if _, err := tx.ExecContext(ctx, "insert into account_block (first, size, account) values (?, ?, ?)", b.First, b.Size, a.ID); err != nil {
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
	rows, err := s.write.QueryContext(ctx, selectEntry+"where log_index is null order by seq")
	return list(rows, err, "entries", scanEntry)
}

// Entry is the one of that hash.
func (s *Registry) Entry(ctx context.Context, hash label.Hash) (*registry.Entry, error) {
	return scanEntry(s.entry.QueryRowContext(ctx, hash[:]))
}

// Statuses gives the status of each label that is logged.
func (s *Registry) Statuses(ctx context.Context, give func(uint32, label.Status)) error {
	rows, err := s.read.QueryContext(ctx, "select status_index, status from label where log_index is not null")
	if err != nil {
		return fmt.Errorf("read statuses: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var index uint32
		var status string
		if err := rows.Scan(&index, &status); err != nil {
			return fmt.Errorf("read statuses: %w", err)
		}
		give(index, label.Status(status))
	}
	return rows.Err()
}

// Label is a label that is logged.
func (s *Registry) Label(ctx context.Context, id label.Hash) (*registry.Label, error) {
	return scanLabel(s.label.QueryRowContext(ctx, id[:]))
}

// LabelsOf are those of a product, the newest first.
func (s *Registry) LabelsOf(ctx context.Context, gtin uint64, limit int) ([]*registry.Label, error) {
	rows, err := s.labelsOf.QueryContext(ctx, int64(gtin), limit)
	return list(rows, err, "labels", scanLabel)
}

// Labels are those behind a place in the log.
func (s *Registry) Labels(ctx context.Context, after int64, limit int) ([]*registry.Label, error) {
	rows, err := s.read.QueryContext(ctx, selectLabel+"where log_index > ? order by log_index limit ?", after, limit)
	return list(rows, err, "labels", scanLabel)
}

// Changes are those of a label that are logged.
func (s *Registry) Changes(ctx context.Context, id label.Hash, limit int) ([]*registry.Entry, error) {
	rows, err := s.changes.QueryContext(ctx, id[:], limit)
	return list(rows, err, "changes", scanEntry)
}

// Events are grants and changes that are logged, the newest first.
func (s *Registry) Events(ctx context.Context, before int64, limit int) ([]*registry.Event, error) {
	if before <= 0 {
		before = 1<<63 - 1
	}
	rows, err := s.read.QueryContext(ctx, `select e.seq, e.kind, e.hash, e.body, e.account, e.at, e.floor, coalesce(e.key, ''), e.log_index, e.label, e.gtin,
		e.status_index, e.status, p.maker, p.model, p.category
		from entry e join product p on p.gtin = e.gtin where e.kind in ('grant', 'change') and e.log_index < ? order by e.log_index desc limit ?`, before, limit)
	return list(rows, err, "events", func(r row) (*registry.Event, error) {
		e := &registry.Event{}
		err := scanEntryInto(r, &e.Entry, &e.Product.Maker, &e.Product.Model, &e.Product.Category)
		e.Product.GTIN = e.GTIN
		return e, err
	})
}

// Expired are labels that are still active or suspended, and expired before a day.
func (s *Registry) Expired(ctx context.Context, day label.Day, limit int) ([]label.Hash, error) {
	rows, err := s.read.QueryContext(ctx, `select id from label where expires > 0 and expires < ? and status in ('active', 'suspended')
		and log_index is not null and pending = 0 order by expires limit ?`, day, limit)
	return list(rows, err, "labels", func(r row) (h label.Hash, _ error) {
		var id []byte
		err := scan(r, "label", &id)
		copy(h[:], id)
		return h, err
	})
}

// Document is one that was sent as evidence.
func (s *Registry) Document(ctx context.Context, hash label.Hash) (*registry.Document, error) {
	d := &registry.Document{Hash: hash}
	return d, scan(s.document.QueryRowContext(ctx, hash[:]), "document", &d.Media, &d.Body)
}

// LastIndex is the highest status index of a block that is used.
func (s *Registry) LastIndex(ctx context.Context, b registry.Block) (last uint32, used bool, err error) {
	var n sql.NullInt64
	err = scan(s.read.QueryRowContext(ctx, "select max(status_index) from label where status_index >= ? and status_index < ?", b.First, int64(b.First)+int64(b.Size)), "status index", &n)
	return uint32(n.Int64), n.Valid, err
}

// Note keeps what an account was refused.
func (s *Registry) Note(ctx context.Context, a *registry.Audit) error {
	return s.change(ctx, func(tx *sql.Tx) error { return audit(ctx, tx, a) })
}

func audit(ctx context.Context, tx *sql.Tx, a *registry.Audit) error {
	_, err := tx.ExecContext(ctx, "insert into audit (at, account, action, subject, outcome) values (?, ?, ?, ?, ?)",
		a.At.UnixMilli(), a.Account, a.Action, a.Subject, a.Outcome)
	return err
}

// Audits are what accounts did and were refused, the newest first.
func (s *Registry) Audits(ctx context.Context, before int64, limit int) ([]*registry.Audit, error) {
	if before <= 0 {
		before = 1<<63 - 1
	}
	rows, err := s.read.QueryContext(ctx, "select seq, at, account, action, subject, outcome from audit where seq < ? order by seq desc limit ?", before, limit)
	return list(rows, err, "audit", func(r row) (*registry.Audit, error) {
		a := &registry.Audit{}
		var at int64
		err := scan(r, "audit", &a.Seq, &at, &a.Account, &a.Action, &a.Subject, &a.Outcome)
		a.At = milli(at)
		return a, err
	})
}
