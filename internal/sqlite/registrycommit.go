//go:build !gateway

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/label"
)

// Commit keeps fresh entries, marks logged ones and drops those that the log refused, in one transaction.
func (s *Registry) Commit(ctx context.Context, fresh, logged, refused []*registry.Entry) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		b := &batch{ctx, tx, map[string]*sql.Stmt{}}
		defer b.close()
		return registry.Carry(b, fresh, logged, refused)
	})
	if err != nil {
		return fmt.Errorf("commit entries: %w", err)
	}
	return nil
}

// batch has the statements of a transaction.
type batch struct {
	ctx context.Context
	tx  *sql.Tx
	of  map[string]*sql.Stmt
}

func (b *batch) close() {
	for _, s := range b.of {
		_ = s.Close()
	}
}

// stmt prepares a statement once for a batch.
func (b *batch) stmt(text string) (*sql.Stmt, error) {
	if s, ok := b.of[text]; ok {
		return s, nil
	}
	s, err := b.tx.PrepareContext(b.ctx, text)
	if err == nil {
		b.of[text] = s
	}
	return s, err
}

func (b *batch) exec(text string, args ...any) (sql.Result, error) {
	s, err := b.stmt(text) //nolint:sqlclosecheck // it is closed with the batch
	if err != nil {
		return nil, err
	}
	return s.ExecContext(b.ctx, args...)
}

func (b *batch) query(text string, args []any, to ...any) (found bool, err error) {
	s, err := b.stmt(text) //nolint:sqlclosecheck // it is closed with the batch
	if err != nil {
		return false, err
	}
	err = s.QueryRowContext(b.ctx, args...).Scan(to...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// Mark notes the place of an entry in the log, and with it what the entry says.
func (b *batch) Mark(e *registry.Entry) error {
	r, err := b.exec("update entry set log_index = ? where seq = ? and log_index is null", int64(e.Index), e.Seq)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, errors.New("it is not pending"))
	}
	switch e.Kind {
	case registry.Grant:
		_, err = b.exec("update label set log_index = ?, pending = 0 where id = ?", int64(e.Index), e.Label[:])
	case registry.Change:
		_, err = b.exec("update label set status = ?, changed = case when status = ? then changed else ? end, changes = changes + 1, pending = 0 where id = ?",
			string(e.Status), string(e.Status), e.At.UnixMilli(), e.Label[:])
	}
	return err
}

// Drop forgets an entry that the log refused. It was not acknowledged.
func (b *batch) Drop(e *registry.Entry) error {
	_, err := b.exec("delete from entry where seq = ? and log_index is null", e.Seq)
	if err != nil {
		return err
	}
	switch e.Kind {
	case registry.Grant:
		_, err = b.exec("delete from label where id = ? and log_index is null", e.Label[:])
	case registry.Change:
		_, err = b.exec("update label set pending = 0 where id = ?", e.Label[:])
	}
	return err
}

// Keep takes an entry in, or has it refused.
func (b *batch) Keep(e *registry.Entry) error {
	refused, err := b.misfit(e)
	if err != nil || refused {
		return err
	}
	var key any
	if e.Key != "" {
		key = e.Key
	}
	r, err := b.exec(`insert into entry (kind, hash, body, account, at, floor, key, label, gtin, status_index, status) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		string(e.Kind), e.Hash[:], append([]byte{}, e.Body...), e.Account, e.At.UnixMilli(), int64(e.Floor), key, e.Label[:], int64(e.GTIN), e.StatusIndex, string(e.Status))
	if err != nil {
		return err
	}
	if e.Seq, err = r.LastInsertId(); err != nil {
		return err
	}
	switch e.Kind {
	case registry.Grant:
		err = b.grant(e)
	case registry.Change:
		_, err = b.exec("update label set pending = 1 where id = ?", e.Label[:])
	default:
		return nil // the registry’s own doings are in the log
	}
	for _, d := range e.Documents {
		if err == nil {
			_, err = b.exec("insert into document (hash, media, body) values (?, ?, ?) on conflict do nothing", d.Hash[:], d.Media, d.Body)
		}
	}
	if err != nil {
		return err
	}
	return audit(b.ctx, b.tx, &registry.Audit{At: e.At, Account: e.Account, Action: e.Action(), Subject: e.Label.String(), Outcome: registry.Done})
}

// misfit refuses an entry that does not fit what is there.
func (b *batch) misfit(e *registry.Entry) (bool, error) {
	var hash []byte
	if e.Key != "" {
		found, err := b.query("select hash from entry where account = ? and key = ?", []any{e.Account, e.Key}, &hash)
		if err != nil {
			return false, err
		}
		if found && label.Hash(hash) != e.Hash {
			e.Refuse(registry.ErrReused)
			return true, nil
		}
	}
	found, err := b.query("select hash from entry where hash = ?", []any{e.Hash[:]}, &hash)
	if err != nil {
		return false, err
	}
	if found {
		e.RefuseTwice()
		return true, nil
	}
	switch e.Kind {
	case registry.Grant:
		var seq int64
		taken, err := b.query("select seq from label where status_index = ?", []any{e.StatusIndex}, &seq)
		if taken {
			e.Refuse(fmt.Errorf("%w: %d", registry.ErrIndex, e.StatusIndex))
		}
		return taken, err
	case registry.Change:
		var st registry.Standing
		var status string
		found, err := b.query("select status, changes, pending from label where id = ?", []any{e.Label[:]}, &status, &st.Changes, &st.Pending)
		st.Status = label.Status(status)
		switch {
		case err != nil:
			return false, err
		case !found:
			e.Refuse(registry.ErrUnknown)
			return true, nil
		}
		if err := e.Fits(st); err != nil {
			e.Refuse(err)
			return true, nil
		}
	}
	return false, nil
}

func (b *batch) grant(e *registry.Entry) error {
	st, err := e.Grant.Statement()
	if err != nil {
		return err
	}
	_, err = b.exec(`insert into label (seq, id, sign1, account, gtin, category, granted, status_index, expires, status, picture, changed, changes, pending)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 1)`,
		e.Seq, e.Label[:], e.Body, e.Account, int64(e.GTIN), e.Grant.Category, e.At.UnixMilli(), e.StatusIndex, st.Expires, string(e.Status), e.Grant.PictureHash())
	if err != nil {
		return err
	}
	p := registry.Product{GTIN: e.GTIN, Maker: st.Maker, Model: st.Model, Category: e.Grant.Category}
	_, err = b.exec(`insert into product (gtin, maker, model, category) values (?, ?, ?, ?)
		on conflict (gtin) do update set maker = excluded.maker, model = excluded.model, category = case excluded.category when '' then category else excluded.category end`,
		int64(p.GTIN), p.Maker, p.Model, p.Category)
	for kind, text := range []string{p.Maker, p.Model} {
		for _, w := range registry.Words(text) {
			if err == nil {
				_, err = b.exec("insert into word (word, gtin, kind) values (?, ?, ?) on conflict do nothing", w, int64(p.GTIN), kind)
			}
		}
	}
	return err
}

// Products are those that a query finds.
func (s *Registry) Products(ctx context.Context, q *registry.Query) ([]registry.Product, error) {
	text, args := productQuery(q)
	rows, err := s.read.QueryContext(ctx, text, args...)
	return list(rows, err, "products", func(r row) (p registry.Product, _ error) {
		return p, scan(r, "product", &p.GTIN, &p.Maker, &p.Model, &p.Category)
	})
}

// productQuery follows one word, the longest, to a bounded number of products, and looks there for the others.
func productQuery(q *registry.Query) (string, []any) {
	var b strings.Builder
	var args []any
	b.WriteString("select p.gtin, p.maker, p.model, p.category from product p ")
	terms := q.Terms()
	for i, t := range terms {
		if i == 0 {
			b.WriteString("join (select distinct gtin from word where word >= ? and word < ? and kind <= ? and gtin > ? limit ?) c on c.gtin = p.gtin where p.gtin > ? ")
			args = append(args, t.Word, t.Above(), t.Kind(), int64(q.After), registry.MaxCandidates, int64(q.After))
			continue
		}
		b.WriteString("and exists (select 1 from word w where w.gtin = p.gtin and w.word >= ? and w.word < ? and w.kind <= ?) ")
		args = append(args, t.Word, t.Above(), t.Kind())
	}
	if len(terms) == 0 {
		b.WriteString("where p.gtin > ? ")
		args = append(args, int64(q.After))
	}
	if q.Category != "" {
		b.WriteString("and p.category = ? ")
		args = append(args, q.Category)
	}
	b.WriteString("and exists (select 1 from label l where l.gtin = p.gtin and l.log_index is not null) order by p.gtin limit ?")
	return b.String(), append(args, q.Limit)
}
