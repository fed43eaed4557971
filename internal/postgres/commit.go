package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/label"
)

// Commit keeps fresh entries, marks logged ones and drops those that the log refused, in one transaction.
func (s *Registry) Commit(ctx context.Context, fresh, logged, refused []*registry.Entry) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		return registry.Carry(&batch{ctx, tx}, fresh, logged, refused)
	})
	if err != nil {
		return fmt.Errorf("commit entries: %w", err)
	}
	return nil
}

type batch struct {
	ctx context.Context
	tx  pgx.Tx
}

func (b *batch) exec(text string, args ...any) error {
	_, err := b.tx.Exec(b.ctx, text, args...)
	return err
}

func (b *batch) query(text string, args []any, to ...any) (found bool, err error) {
	err = b.tx.QueryRow(b.ctx, text, args...).Scan(to...)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// Mark notes the place of an entry in the log, and with it what the entry says.
func (b *batch) Mark(e *registry.Entry) error {
	tag, err := b.tx.Exec(b.ctx, "update entry set log_index = $1 where seq = $2 and log_index is null", int64(e.Index), e.Seq)
	if err != nil {
		return err
	}
	if tag.RowsAffected() != 1 {
		return errors.New("it is not pending")
	}
	switch e.Kind {
	case registry.Grant:
		return b.exec("update label set log_index = $1, pending = 0 where id = $2", int64(e.Index), e.Label[:])
	case registry.Change:
		return b.exec("update label set changed = case when status = $1 then changed else $2 end, status = $1, changes = changes + 1, pending = 0 where id = $3",
			string(e.Status), e.At.UnixMilli(), e.Label[:])
	}
	return nil
}

// Drop forgets an entry that the log refused. It was not acknowledged.
func (b *batch) Drop(e *registry.Entry) error {
	err := b.exec("delete from entry where seq = $1 and log_index is null", e.Seq)
	if err != nil {
		return err
	}
	switch e.Kind {
	case registry.Grant:
		err = b.exec("delete from label where id = $1 and log_index is null", e.Label[:])
	case registry.Change:
		err = b.exec("update label set pending = 0 where id = $1", e.Label[:])
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
	_, err = b.query(`insert into entry (kind, hash, body, account, at, floor, key, label, gtin, status_index, status)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning seq`,
		[]any{string(e.Kind), e.Hash[:], append([]byte{}, e.Body...), e.Account, e.At.UnixMilli(), int64(e.Floor), key, e.Label[:], int64(e.GTIN), int64(e.StatusIndex), string(e.Status)}, &e.Seq)
	if err != nil {
		return err
	}
	switch e.Kind {
	case registry.Grant:
		err = b.grant(e)
	case registry.Change:
		err = b.exec("update label set pending = 1 where id = $1", e.Label[:])
	default:
		return nil // the registry’s own doings are in the log
	}
	for _, d := range e.Documents {
		if err == nil {
			err = b.exec("insert into document (hash, media, body) values ($1, $2, $3) on conflict do nothing", d.Hash[:], d.Media, d.Body)
		}
	}
	if err != nil {
		return err
	}
	return b.audit(&registry.Audit{At: e.At, Account: e.Account, Action: e.Action(), Subject: e.Label.String(), Outcome: registry.Done})
}

// misfit refuses an entry that does not fit what is there.
func (b *batch) misfit(e *registry.Entry) (bool, error) {
	var hash []byte
	if e.Key != "" {
		found, err := b.query("select hash from entry where account = $1 and key = $2", []any{e.Account, e.Key}, &hash)
		if err != nil {
			return false, err
		}
		if found && label.Hash(hash) != e.Hash {
			e.Refuse(registry.ErrReused)
			return true, nil
		}
	}
	found, err := b.query("select hash from entry where hash = $1", []any{e.Hash[:]}, &hash)
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
		taken, err := b.query("select seq from label where status_index = $1", []any{int64(e.StatusIndex)}, &seq)
		if taken {
			e.Refuse(fmt.Errorf("%w: %d", registry.ErrIndex, e.StatusIndex))
		}
		return taken, err
	case registry.Change:
		var st registry.Standing
		var pending int64
		found, err := b.query("select status, changes, pending from label where id = $1 for update", []any{e.Label[:]}, &st.Status, &st.Changes, &pending)
		st.Pending = pending != 0
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
	err = b.exec(`insert into label (seq, id, sign1, account, gtin, category, granted, status_index, expires, status, picture, changed, changes, pending)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, 1)`,
		e.Seq, e.Label[:], e.Body, e.Account, int64(e.GTIN), e.Grant.Category, e.At.UnixMilli(), int64(e.StatusIndex), int64(st.Expires), string(e.Status), e.Grant.PictureHash())
	if err != nil {
		return err
	}
	p := registry.Product{GTIN: e.GTIN, Maker: st.Maker, Model: st.Model, Category: e.Grant.Category}
	err = b.exec(`insert into product (gtin, maker, model, category) values ($1, $2, $3, $4)
		on conflict (gtin) do update set maker = excluded.maker, model = excluded.model, category = case excluded.category when '' then product.category else excluded.category end`,
		int64(p.GTIN), p.Maker, p.Model, p.Category)
	for kind, text := range []string{p.Maker, p.Model} {
		for _, w := range registry.Words(text) {
			if err == nil {
				err = b.exec("insert into word (word, gtin, kind) values ($1, $2, $3) on conflict do nothing", w, int64(p.GTIN), kind)
			}
		}
	}
	return err
}

func (b *batch) audit(a *registry.Audit) error {
	return b.exec("insert into audit (at, account, action, subject, outcome) values ($1, $2, $3, $4, $5)", a.At.UnixMilli(), a.Account, a.Action, a.Subject, a.Outcome)
}

// Note keeps what an account was refused.
func (s *Registry) Note(ctx context.Context, a *registry.Audit) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return (&batch{ctx, tx}).audit(a) })
	if err != nil {
		return fmt.Errorf("keep audit: %w", err)
	}
	return nil
}

// Audits are what accounts did and were refused, the newest first.
func (s *Registry) Audits(ctx context.Context, before int64, limit int) ([]*registry.Audit, error) {
	if before <= 0 {
		before = 1<<63 - 1
	}
	rows, err := s.pool.Query(ctx, "select seq, at, account, action, subject, outcome from audit where seq < $1 order by seq desc limit $2", before, limit)
	return list(rows, err, "audit", func(r pgx.CollectableRow) (*registry.Audit, error) {
		a := &registry.Audit{}
		var at int64
		err := r.Scan(&a.Seq, &at, &a.Account, &a.Action, &a.Subject, &a.Outcome)
		a.At = milli(at)
		return a, err
	})
}

// Products are those that a query finds.
func (s *Registry) Products(ctx context.Context, q *registry.Query) ([]registry.Product, error) {
	text, args := productQuery(q)
	rows, err := s.pool.Query(ctx, text, args...)
	return list(rows, err, "products", func(r pgx.CollectableRow) (p registry.Product, _ error) {
		return p, r.Scan(&p.GTIN, &p.Maker, &p.Model, &p.Category)
	})
}

// productQuery follows one word, the longest, to a bounded number of products, and looks there for the others.
func productQuery(q *registry.Query) (string, []any) {
	var b strings.Builder
	var args []any
	add := func(text string, more ...any) {
		for _, a := range more {
			args = append(args, a)
			text = strings.Replace(text, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		b.WriteString(text)
	}
	add("select p.gtin, p.maker, p.model, p.category from product p ")
	terms := q.Terms()
	for i, t := range terms {
		if i == 0 {
			add("join (select distinct gtin from word where word >= ? and word < ? and kind <= ? and gtin > ? limit ?) c on c.gtin = p.gtin where p.gtin > ? ",
				t.Word, t.Above(), t.Kind(), int64(q.After), registry.MaxCandidates, int64(q.After))
			continue
		}
		add("and exists (select 1 from word w where w.gtin = p.gtin and w.word >= ? and w.word < ? and w.kind <= ?) ", t.Word, t.Above(), t.Kind())
	}
	if len(terms) == 0 {
		add("where p.gtin > ? ", int64(q.After))
	}
	if q.Category != "" {
		add("and p.category = ? ", q.Category)
	}
	add("and exists (select 1 from label l where l.gtin = p.gtin and l.log_index is not null) order by p.gtin limit ?", q.Limit)
	return b.String(), args
}
